import {
  Controller,
  Get,
  Module,
  Param,
  RequestMethod,
  UseGuards,
  VersioningType,
  type INestApplication,
} from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOkResponse, ApiProperty, DocumentBuilder } from '@nestjs/swagger';
import { Validator } from '@seriousme/openapi-schema-validator';
import { type as ark } from 'arktype';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import * as v from 'valibot';
import { z } from 'zod';
import { LastEventId, Sse, SseDefaults } from 'nestjs-event-stream';
import { classSchema, defineEvents, text, type } from 'nestjs-event-stream/events';
import { ApiEvent, createStreamDocument, type StreamDocumentOptions } from 'nestjs-event-stream/swagger';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp } from './adapters.js';

class ProgressDto {
  @ApiProperty({ type: Number })
  percent!: number;
}

class ImportDto {
  @ApiProperty({ type: String, description: 'Where the file is.' })
  url!: string;
}

class Allowed {
  canActivate(): boolean {
    return true;
  }
}

const Tree = z.object({ name: z.string(), get children() { return z.array(Tree); } }); // prettier-ignore
const Address = z.object({ street: z.string() }).meta({ id: 'Address' });

const contract = defineEvents({
  progress: z.object({ percent: z.number() }).describe('How far it is.'),
  found: ark({ name: 'string' }),
  dto: classSchema(ProgressDto, { plainToInstance, validateSync }),
  tree: Tree,
  moved: z.object({ from: Address, to: Address }),
  token: text(),
  unchecked: type<{ any: number }>(),
  message: z.object({ text: z.string() }),
});

@Controller('imports')
@SseDefaults({ limit: { key: 'ip', max: 2 } })
class Imports {
  @Sse('typed/:id', { events: contract })
  *typed(@Param('id') id: string, @LastEventId() after?: string) {
    yield contract.progress({ percent: Number(id) }, after === undefined ? {} : { id: after });
  }

  @ApiEvent('progress', ProgressDto)
  @ApiEvent('done', { type: ImportDto, isArray: true, description: 'The import is complete.' })
  @ApiOkResponse({ description: 'The import as it goes on.', type: ImportDto })
  @UseGuards(Allowed)
  @Sse('classes', { complete: 'reconnect', expiresAt: () => undefined })
  *classes() {
    yield 1;
  }

  @Sse('bare', {
    method: RequestMethod.POST,
    ids: 'sequence',
    lastEventIdQuery: true,
    complete: { event: 'end' },
    timeout: { afterMs: 1000, event: 'late' },
    heartbeat: { event: 'ping' },
    overflow: { report: {} },
    errors: { event: 'failure', map: () => 1 },
    exclusive: { key: 'route', status: 'retry' },
  })
  *bare() {
    yield 1;
  }

  @Sse(['several', 'paths'])
  *several() {
    yield 1;
  }

  @ApiExcludeEndpoint()
  @Sse('hidden')
  *hidden() {
    yield 1;
  }

  @Get('plain')
  @ApiOkResponse({ type: ImportDto })
  plain(): ImportDto {
    return { url: '' };
  }
}

abstract class Base {
  @Sse('inherited')
  *inherited() {
    yield 1;
  }
}
@Controller('open')
class Open extends Base {}
@UseGuards(Allowed)
@SseDefaults({ errors: { event: 'failure' } })
@Controller('guarded')
class Guarded extends Base {}

interface Media {
  schema?: { items: Item };
  itemSchema?: Item;
}
interface Item {
  oneOf?: Item[];
  title?: string;
  description?: string;
  properties: Record<string, Record<string, unknown>>;
  required: string[];
}
interface Operation {
  responses: Record<string, { description: string; content?: Record<string, Media>; headers?: object }>;
  parameters: { name: string; in: string }[];
}

@Module({})
class Empty {}

eachAdapter((adapter) => {
  let app: INestApplication;
  const logger = new RecordingLogger();
  beforeAll(async () => {
    app = await makeApp(adapter, { controllers: [Imports], logger });
  });
  afterAll(closeApps);

  const documentOf = (openapi: string, options?: StreamDocumentOptions, of = app) =>
    createStreamDocument(
      of,
      new DocumentBuilder().setTitle('t').setVersion('1').setOpenAPIVersion(openapi).build(),
      options,
    );
  const operation = (openapi: string, path: string, method = 'get'): Operation =>
    (documentOf(openapi).paths[path] as Record<string, unknown>)[method] as Operation;
  const itemsOf = (found: Operation, status = '200'): Item[] => {
    const { itemSchema, schema } = found.responses[status]?.content?.['text/event-stream'] ?? {};
    const item = (itemSchema ?? schema?.items) as Item;
    return item.oneOf ?? [item];
  };

  it.each(['3.0.0', '3.1.0', '3.2.0'])('a document of version %s is valid', async (openapi) => {
    const { valid, errors } = await new Validator({ strict: false }).validate(
      JSON.parse(JSON.stringify(documentOf(openapi))) as Record<string, unknown>,
    );
    expect([valid, errors]).toEqual([true, undefined]);
  });

  it.each(['3.0.0', '3.1.0', '3.2.0'])('each event of a contract is an item, in %s', (openapi) => {
    const found = operation(openapi, '/imports/typed/{id}');
    expect(Object.keys(found.responses['200']?.content ?? {})).toEqual(['text/event-stream']);
    const items = itemsOf(found);
    expect(items.map(({ title }) => title)).toEqual([...Object.keys(contract['~contract']), 'error']);
    for (const { title, required, properties } of items) {
      const name = openapi === '3.0.0' ? { type: 'string', enum: [title] } : { type: 'string', const: title };
      expect([required, properties['event'], properties['data']?.['type']]).toEqual([
        title === 'message' ? ['data'] : ['event', 'data'],
        name,
        'string',
      ]);
      expect(properties).toMatchObject({ id: { type: 'string' }, retry: { type: 'integer' } });
    }
    expect(items[0]?.description).toBe('How far it is.');
  });

  it('data is text with the schema of its content, as OpenAPI 3.2 requires', () => {
    const data = Object.fromEntries(
      itemsOf(operation('3.2.0', '/imports/typed/{id}')).map(({ title, properties }) => [
        title,
        properties['data'],
      ]),
    );
    const json = (contentSchema: object) => ({
      type: 'string',
      contentMediaType: 'application/json',
      contentSchema,
    });
    expect(data).toMatchObject({
      progress: json({ type: 'object', properties: { percent: { type: 'number' } }, required: ['percent'] }),
      found: json({ type: 'object', properties: { name: { type: 'string' } } }),
      dto: json({ $ref: '#/components/schemas/ProgressDto' }),
      unchecked: json({}),
    });
    expect(data['token']).toEqual({ type: 'string' });
  });

  it('definitions of a schema become components, so that every reference resolves', () => {
    const document = documentOf('3.2.0');
    const schemas = document.components?.schemas ?? {};
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, target]) => target,
    );
    expect(references.length).toBeGreaterThan(4);
    for (const reference of references) {
      expect(reference).toMatch(/^#\/components\/schemas\//);
      expect(schemas).toHaveProperty([String(reference).slice('#/components/schemas/'.length)]);
    }
  });

  it('events of @ApiEvent() have the schemas of their classes', () => {
    const found = operation('3.2.0', '/imports/classes');
    const [progress, done, error, ...others] = itemsOf(found);
    const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });
    expect(progress?.properties['data']?.['contentSchema']).toEqual(reference('ProgressDto'));
    expect([done?.description, done?.properties['data']?.['contentSchema']]).toEqual([
      'The import is complete.',
      { type: 'array', items: reference('ImportDto') },
    ]);
    expect([error?.title, others]).toEqual(['error', []]);
    expect(documentOf('3.2.0').components?.schemas).toHaveProperty('ImportDto');
    expect(found.responses['200']?.description).toBe('The import as it goes on.');
    expect(Object.keys(found.responses['200']?.content ?? {})).toEqual(['text/event-stream']);
  });

  it('answers of limits, guards and the end are listed, with the parameters for resuming', () => {
    const statuses = (found: Operation): string[] => Object.keys(found.responses).toSorted();
    const parameters = (found: Operation): string[] => found.parameters.map((p) => `${p.in} ${p.name}`);
    const typed = operation('3.2.0', '/imports/typed/{id}');
    expect([statuses(typed), parameters(typed)]).toEqual([
      ['200', '204', '429'],
      ['path id', 'header Last-Event-ID'],
    ]);
    expect(typed.responses['429']?.headers).toHaveProperty('Retry-After');
    const classes = operation('3.2.0', '/imports/classes');
    expect([statuses(classes), parameters(classes)]).toEqual([['200', '401', '403', '429'], []]);
    const bare = operation('3.2.0', '/imports/bare', 'post');
    expect([statuses(bare), parameters(bare)]).toEqual([
      ['200', '429'],
      ['header Last-Event-ID', 'query lastEventId'],
    ]);
  });

  it('a route without documentation has any event, and the events of its options', () => {
    const [any, ...others] = itemsOf(operation('3.2.0', '/imports/bare', 'post'));
    expect(any?.properties['event']).toEqual({ type: 'string' });
    expect(others.map(({ title }) => title)).toEqual(['end', 'late', 'ping', 'overflow', 'failure']);
  });

  it('controllers that inherit a handler have their own guards and options', async () => {
    const other = await makeApp(adapter, { controllers: [Open, Guarded] });
    for (const operationIdFactory of [
      undefined,
      (controller: string, method: string) => method + controller,
    ]) {
      const { paths } = documentOf('3.2.0', operationIdFactory && { operationIdFactory }, other);
      const [open, guarded] = ['/open/inherited', '/guarded/inherited'].map(
        (path) => (paths[path] as unknown as { get: Operation & { operationId: string } }).get,
      );
      expect(Object.keys(open!.responses)).toEqual(['200', '204']);
      expect(Object.keys(guarded!.responses)).toEqual(['200', '204', '403']);
      expect([itemsOf(open!), itemsOf(guarded!)].map((items) => items.at(-1)?.title)).toEqual([
        'error',
        'failure',
      ]);
      expect(open!.operationId).toBe(operationIdFactory ? 'inheritedOpen' : 'Open_inherited');
    }
  });

  it('only streams change: other routes, hidden routes, and the metadata of handlers', () => {
    const { paths } = documentOf('3.2.0');
    expect(Object.keys(paths).toSorted()).toEqual([
      '/imports/bare',
      '/imports/classes',
      '/imports/paths',
      '/imports/plain',
      '/imports/several',
      '/imports/typed/{id}',
    ]);
    const plain = (paths['/imports/plain'] as unknown as { get: Operation }).get;
    expect(Object.keys(plain.responses['200']?.content ?? {})).toEqual(['application/json']);
    expect(JSON.stringify(paths)).not.toContain('x-nestjs-event-stream');
    expect(documentOf('3.2.0')).toEqual(documentOf('3.2.0'));
  });

  it('a schema without JSON Schema is named in the log, unless the application converts it', async () => {
    const own = defineEvents({ value: v.object({ a: v.string() }) });
    @Controller()
    class Valibot {
      @Sse('valibot', { events: own })
      *valibot() {
        yield own.value({ a: '' });
      }
    }
    const warned = new RecordingLogger();
    const other = await makeApp(adapter, { controllers: [Valibot], logger: warned });
    documentOf('3.2.0', {}, other);
    expect(warned.warnings).toEqual([
      'The data of the event "value" is not in the OpenAPI document: its schema (valibot) has no JSON Schema. ' +
        'Use the option "toJsonSchema" of createStreamDocument().',
    ]);
    const toJsonSchema = (_schema: unknown, version: string) => ({ type: 'object', title: version });
    const document = JSON.stringify(documentOf('3.1.0', { toJsonSchema }, other));
    expect(document).toContain('"contentSchema":{"type":"object","title":"3.1"}');
  });

  it('prefixes and versions are those of the application, and an application without streams is unchanged', async () => {
    const other = await makeApp(adapter, {
      controllers: [Imports],
      setUp: (made) => {
        made.setGlobalPrefix('api');
        made.enableVersioning({ type: VersioningType.URI, defaultVersion: '2' });
      },
    });
    expect(Object.keys(documentOf('3.2.0', {}, other).paths)).toContain('/api/v2/imports/classes');
    const none = await makeApp(adapter, { imports: [Empty] });
    expect(documentOf('3.0.0', {}, none).paths).toEqual({});
  });
});

it.each(['', 'a\nb', undefined])('@ApiEvent(%j) is rejected', (name) => {
  expect(() => ApiEvent(name as string)).toThrow(
    expect.objectContaining({ code: 'SSE_INVALID_OPTIONS' }) as Error,
  );
});
