import type { ModulesContainer } from '@nestjs/core';

/**
 * Makes Nest call `onModuleDestroy()` of a module before that of all others. By itself Nest destroys global modules last,
 * when the connections to databases that a handler's `finally` needs may be closed. Nest sorts modules by their distance
 * from the root when it calls the first hook, so this has to happen before.
 */
export function closeFirst(modules: ModulesContainer, metatype: unknown): void {
  for (const module of modules.values()) {
    if (module.metatype === metatype) module.distance = -1;
  }
}
