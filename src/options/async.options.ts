import type { FactoryProvider, InjectionToken, ModuleMetadata, Provider, Type } from '@nestjs/common';
import { checkOptions, type OptionTable } from '../checking/option-check.js';
import { anything, func, kind } from '../checking/option-kinds.js';
import { SseError, quoted } from '../errors/sse.errors.js';
import { resolveModuleOptions, type ModuleSettings } from './resolve-options.js';
import type { SseModuleOptions } from './sse.options.js';
import { SSE_MODULE_OPTIONS } from './sse.tokens.js';

/** Makes the options of the module. `useClass` and `useExisting` of {@link SseModuleAsyncOptions} name such a provider. */
export interface SseOptionsFactory {
  /** Called once, at start-up. */
  createSseOptions(): SseModuleOptions | Promise<SseModuleOptions>;
}

/** Options of the module that are made at start-up, in one of three ways. */
export interface SseModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** The providers that are passed to `useFactory`. */
  inject?: FactoryProvider['inject'];
  /** Makes the options from the injected providers. */
  useFactory?: (...args: never[]) => SseModuleOptions | Promise<SseModuleOptions>;
  /** A class that makes them. The module makes an instance of it. */
  useClass?: Type<SseOptionsFactory>;
  /** A provider that makes them, from a module among `imports` or from a global module. */
  useExisting?: InjectionToken<SseOptionsFactory>;
}

const list = kind(Array.isArray, 'a list');
const ASYNC_TABLE: OptionTable<SseModuleAsyncOptions> = {
  imports: list,
  inject: list,
  useFactory: func('that makes the options'),
  useClass: func('that is a class'),
  useExisting: anything,
};

/**
 * Turns asynchronous options into providers of the resolved options.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` if not exactly one of the three ways is given
 */
export function asyncOptionsProviders(options: SseModuleAsyncOptions): Provider[] {
  const where = 'SseModule.forRootAsync()';
  checkOptions(where, options, ASYNC_TABLE);
  const { inject, useFactory, useClass, useExisting } = options;
  const ways = [useFactory, useClass, useExisting].filter((way) => way !== undefined);
  if (ways.length !== 1) {
    throw new SseError(
      'SSE_INVALID_OPTIONS',
      `${where}: ${ways.length} of the ways to make the options are given.`,
      {
        remedy: 'Give one of "useFactory", "useClass" and "useExisting".',
      },
    );
  }
  const provide = SSE_MODULE_OPTIONS;
  if (useFactory) {
    const make = async (...args: never[]): Promise<ModuleSettings> =>
      resolveModuleOptions(await useFactory(...args));
    return [{ provide, useFactory: make, ...(inject && { inject }) }];
  }
  const make = async (factory: SseOptionsFactory): Promise<ModuleSettings> => {
    if (typeof factory?.createSseOptions !== 'function') throw noFactory(where, factory);
    return resolveModuleOptions(await factory.createSseOptions());
  };
  if (useClass) return [useClass, { provide, useFactory: make, inject: [useClass] }];
  return [{ provide, useFactory: make, inject: [useExisting as InjectionToken] }];
}

function noFactory(where: string, given: unknown): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `${where}: ${quoted(given)} cannot make options.`, {
    remedy: 'Give it a method createSseOptions(): see SseOptionsFactory.',
  });
}
