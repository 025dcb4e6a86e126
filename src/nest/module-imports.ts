import type { ModuleRef, ModulesContainer } from '@nestjs/core';
import { SseError } from '../errors/sse.errors.js';

/** The part of Nest's container that we use. It cannot be injected. */
interface Container {
  getDynamicMetadataByToken?(token: string, key: 'imports'): unknown;
}

type Module = ReturnType<ModulesContainer['get']> & object;

/**
 * Checks that an application imports the module once. A second copy would have its own channels, connections and runs, so events
 * that one part of the application publishes would never reach the other part.
 *
 * @throws {SseError} `SSE_MODULE_DUPLICATE` with the modules that import it.
 */
export function checkImportedOnce(modules: ModulesContainer, moduleRef: ModuleRef, options: symbol): void {
  const copies = [...modules.values()].filter(({ providers }) => providers.has(options));
  if (copies.length < 2) return;
  const classes = new Set<unknown>(copies.map(({ metatype }) => metatype));
  const { container } = moduleRef as unknown as { container?: Container };
  const places = [...modules.values()].flatMap((module) =>
    importsOf(module, container)
      .filter((imported) => classes.has((imported as { module?: unknown } | null)?.module))
      .map(() => module.metatype.name),
  );
  throw new SseError(
    'SSE_MODULE_DUPLICATE',
    `SseModule.forRoot() is imported ${copies.length} times: in ${places.join(' and in ')}.`,
    {
      remedy: 'Keep the import in the root module and remove the others. The module is global.',
      context: { places },
    },
  );
}

// Not `module.imports`, which also contains every global module.
function importsOf(module: Module, container: Container | undefined): unknown[] {
  const fixed: unknown = Reflect.getMetadata('imports', module.metatype);
  const dynamic = container?.getDynamicMetadataByToken?.(module.token, 'imports');
  return [fixed, dynamic].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []));
}
