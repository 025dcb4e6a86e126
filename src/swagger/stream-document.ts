import { Logger, type INestApplication, type Type } from '@nestjs/common';
import { ModulesContainer, MetadataScanner } from '@nestjs/core';
import { SwaggerModule, type OpenAPIObject, type SwaggerDocumentOptions } from '@nestjs/swagger';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AnyContract } from '../events/event-contract.js';
import { LastEventId } from '../handler/parameters.decorator.js';
import { guardsOf } from '../nest/stand-in.js';
import { factoryOf, routeArguments } from '../nest/route-arguments.js';
import { controllerOptionsOf, routeOptionsOf } from '../nest/sse.metadata.js';
import { resolveOptions, type ModuleSettings, type ResolvedOptions } from '../options/resolve-options.js';
import type { SseOptions } from '../options/sse.options.js';
import { SSE_MODULE_OPTIONS } from '../options/sse.tokens.js';
import { documentedEvents } from './api-event.decorator.js';
import { eventsOfRoute, modelOf, type SchemaSettings } from './describe-route.js';
import { streamContent } from './item-schema.js';
import type { JsonSchema, OpenApiVersion, SharedSchemas } from './json-schema.js';
import { logLine } from '../errors/log-line.js';

/** Options of {@link createStreamDocument}, in addition to those of `SwaggerModule.createDocument()`. */
export interface StreamDocumentOptions extends SwaggerDocumentOptions {
  /**
   * Converts a schema of a contract to JSON Schema, for libraries that do not implement Standard JSON Schema. `undefined` leaves
   * the schema to the library. @default none
   */
  toJsonSchema?: (schema: StandardSchemaV1, version: OpenApiVersion) => JsonSchema | undefined;
}

const logger = new Logger('SseModule');

/** The metadata key of `@ApiExtension()`, which puts extensions into the operation of a handler. */
const EXTENSIONS = 'swagger/apiExtension';
/** The extension that marks the operations of a route while the document is made. */
const MARK = 'x-nestjs-event-stream';

/** An `@Sse()` route, as far as the document needs it. */
interface StreamRoute {
  readonly name: string;
  readonly controller: Type;
  readonly handler: object;
  readonly method: string;
  readonly contract: AnyContract | undefined;
  readonly options: ResolvedOptions;
}

interface Operation {
  operationId?: string;
  responses?: Record<string, JsonSchema>;
  parameters?: JsonSchema[];
  [MARK]?: number;
}

/**
 * Makes the OpenAPI document of an application, as `SwaggerModule.createDocument()` does, in which each `@Sse()` route is
 * documented as `text/event-stream` with its events.
 *
 * @example
 * const config = new DocumentBuilder().setTitle('Imports').setOpenAPIVersion('3.2.0').build();
 * SwaggerModule.setup('docs', app, () => createStreamDocument(app, config));
 */
export function createStreamDocument(
  app: INestApplication,
  config: Omit<OpenAPIObject, 'paths'>,
  options: StreamDocumentOptions = {},
): OpenAPIObject {
  const { toJsonSchema, ...others } = options;
  const routes = streamRoutes(app);
  const extraModels = [...(others.extraModels ?? []), ...routes.flatMap(modelsOf)];
  const handlers = [...new Set(routes.map(({ handler }) => handler))];
  const controllers = new Map<string, string>();
  const operationIdFactory = noting(controllers, others.operationIdFactory);
  const unmark = mark(handlers);
  let document: OpenAPIObject;
  try {
    document = SwaggerModule.createDocument(app, config, { ...others, extraModels, operationIdFactory });
  } finally {
    unmark();
  }
  const components = (document.components ??= {});
  const settings: SchemaSettings = {
    version: versionOf(document.openapi),
    shared: (components.schemas ??= {}) as SharedSchemas,
    convert: toJsonSchema,
    unknown: (event, vendor) =>
      logLine(
        logger,
        'warn',
        `The data of the event "${event}" is not in the OpenAPI document: its schema (${vendor}) has no JSON Schema. ` +
          'Use the option "toJsonSchema" of createStreamDocument().',
      ),
  };
  for (const path of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(path as Record<string, Operation>)) {
      const index = operation?.[MARK];
      if (index === undefined) continue;
      delete operation[MARK];
      const controller = controllers.get(operation.operationId ?? '');
      const same = routes.filter(({ handler }) => handler === handlers[index]);
      const route = same.find((each) => each.controller.name === controller) ?? same[0];
      if (route) describe(operation, method, route, settings);
    }
  }
  return document;
}

function versionOf(openapi: string): OpenApiVersion {
  if (openapi.startsWith('3.0')) return '3.0';
  return openapi.startsWith('3.1') ? '3.1' : '3.2';
}

/** The options of the module; `undefined` in an application without `SseModule`. */
function streamOptions(app: INestApplication): SseOptions | undefined {
  try {
    return app.get<ModuleSettings>(SSE_MODULE_OPTIONS, { strict: false }).streams;
  } catch {
    return undefined;
  }
}

function streamRoutes(app: INestApplication): StreamRoute[] {
  const streams = streamOptions(app);
  if (!streams) return [];
  const scanner = new MetadataScanner();
  const routes: StreamRoute[] = [];
  for (const module of app.get(ModulesContainer).values()) {
    for (const { metatype } of module.controllers.values()) {
      if (typeof metatype !== 'function') continue;
      const prototype = metatype.prototype as Record<string, object>;
      for (const method of scanner.getAllMethodNames(prototype)) {
        const handler = prototype[method];
        const own = handler && routeOptionsOf(handler);
        if (!handler || !own) continue;
        const name = `${metatype.name}.${method}`;
        const options = resolveOptions(name, streams, controllerOptionsOf(metatype), own);
        const { events: contract } = own;
        routes.push({ name, controller: metatype as Type, handler, method, contract, options });
      }
    }
  }
  return routes;
}

type IdFactory = NonNullable<SwaggerDocumentOptions['operationIdFactory']>;

/** The IDs that `SwaggerModule` makes by default. */
const DEFAULT_ID: IdFactory = (controller, method, version) =>
  [controller, method, version].filter(Boolean).join('_');

/** Notes the controller of each operation. Controllers that inherit a handler have the same mark, but other options and guards. */
function noting(controllers: Map<string, string>, factory: IdFactory = DEFAULT_ID): IdFactory {
  return (controller, method, version) => {
    const id = factory(controller, method, version);
    controllers.set(id, controller);
    return id;
  };
}

/** Marks handlers, so that their operations are found again in the document: metadata is the only link between the two. */
function mark(handlers: readonly object[]): () => void {
  const before = handlers.map((handler) => Reflect.getOwnMetadata(EXTENSIONS, handler) as object | undefined);
  handlers.forEach((handler, index) => {
    Reflect.defineMetadata(EXTENSIONS, { ...before[index], [MARK]: index }, handler);
  });
  return () => {
    handlers.forEach((handler, index) => {
      if (before[index]) Reflect.defineMetadata(EXTENSIONS, before[index], handler);
      else Reflect.deleteMetadata(EXTENSIONS, handler);
    });
  };
}

/** The classes whose schemas the document needs. */
function modelsOf({ handler, contract }: StreamRoute): Type[] {
  const ofEvents = documentedEvents(handler).map(({ type }) => type);
  const ofSchemas = Object.values(contract?.['~contract'] ?? {}).map((schema) => modelOf(schema));
  return [...ofEvents, ...ofSchemas].filter((model) => model !== undefined) as Type[];
}

function describe(operation: Operation, method: string, route: StreamRoute, settings: SchemaSettings): void {
  const { handler, contract, options } = route;
  const responses = (operation.responses ??= {});
  const status = String(Reflect.getMetadata('__httpCode__', handler) ?? 200);
  const events = eventsOfRoute(handler, contract, options, settings);
  responses[status] = {
    ...responses[status],
    description: responses[status]?.['description'] || 'A stream of events.',
    content: { 'text/event-stream': streamContent(events, settings.version) },
  };
  for (const [code, response] of Object.entries(otherAnswers(method, route))) responses[code] ??= response;
  const parameters = (operation.parameters ??= []);
  for (const parameter of parametersOf(route)) {
    const known = parameters.some(
      ({ in: place, name }) =>
        place === parameter['in'] && String(name).toLowerCase() === String(parameter['name']).toLowerCase(),
    );
    if (!known) parameters.push(parameter);
  }
}

/** The answers of limits, guards and the end of a stream. */
function otherAnswers(
  method: string,
  { controller, handler, options }: StreamRoute,
): Record<string, JsonSchema> {
  const answers: Record<string, JsonSchema> = {};
  if (method === 'get' && options.complete !== 'reconnect') {
    answers['204'] = {
      description: 'The stream has ended. An EventSource does not reconnect after this answer.',
    };
  }
  if (options.expiresAt) answers['401'] = { description: 'The right to the stream has expired.' };
  if (guardsOf(controller).length + guardsOf(handler).length > 0) {
    answers['403'] = { description: 'A guard rejects the request.' };
  }
  for (const { status } of options.limits) {
    if (typeof status !== 'number') continue;
    answers[String(status)] = {
      description: 'Too many open streams.',
      ...((status === 429 || status === 503) && {
        headers: { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } } },
      }),
    };
  }
  return answers;
}

/** The parameters from which a stream is resumed. */
function parametersOf({ controller, method, options }: StreamRoute): JsonSchema[] {
  const reads = routeArguments(controller, method).some(([, { factory }]) => factory === READS_ID);
  if (!reads && options.ids !== 'sequence') return [];
  const description = 'The ID of the last event that the client has received.';
  const schema = { type: 'string' };
  const header = { name: 'Last-Event-ID', in: 'header', required: false, description, schema };
  if (!options.lastEventIdQuery) return [header];
  return [header, { name: 'lastEventId', in: 'query', required: false, description, schema }];
}

const READS_ID = factoryOf(LastEventId);
