import type { ModulesContainer } from '@nestjs/core';

/**
 * Makes Nest call `onModuleDestroy()` of a module before that of all others. Nest destroys global modules last. By then other
 * modules may have closed a database connection that the `finally` block of a handler needs. Nest sorts modules by their
 * distance from the root when it calls the first hook, so this function must be called before that.
 */
export function closeFirst(modules: ModulesContainer, metatype: unknown): void {
  for (const module of modules.values()) {
    if (module.metatype === metatype) module.distance = -1;
  }
}
