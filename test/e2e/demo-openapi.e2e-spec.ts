import { Validator } from '@seriousme/openapi-schema-validator';
import { apiDocument } from '../../demo/api-document.js';
import { createDemo } from '../../demo/create-app.js';
import { eachAdapter } from './adapters.js';

eachAdapter((adapter) => {
  it('the OpenAPI document of the demo is valid, and the same on both frameworks', async () => {
    const app = await createDemo(adapter, { logger: false });
    await app.init();
    const document = JSON.parse(JSON.stringify(apiDocument(app))) as Record<string, unknown>;
    await app.close();
    const { valid, errors } = await new Validator({ strict: false }).validate(structuredClone(document));
    expect([valid, errors]).toEqual([true, undefined]);
    expect(operationsOf(document)).toMatchSnapshot('operations');
  });
});

interface Operation {
  parameters: { name: string; in: string }[];
  responses: Record<string, { content?: Record<string, { schema?: { items?: Item } }> }>;
}
interface Item {
  title?: string;
  oneOf?: Item[];
}

/** The parts of the document that a reader sees first: routes, parameters, answers, and event names. */
function operationsOf({ paths }: Record<string, unknown>): string {
  const lines: string[] = [];
  for (const [path, methods] of Object.entries(paths as Record<string, Record<string, Operation>>)) {
    for (const [method, { parameters, responses }] of Object.entries(methods)) {
      lines.push(`${method.toUpperCase()} ${path}  ${parameters.map((p) => `${p.in}:${p.name}`).join(' ')}`);
      for (const [status, { content = {} }] of Object.entries(responses)) {
        const { items } = content['text/event-stream']?.schema ?? {};
        const events = items && (items.oneOf ?? [items]).map(({ title = '*' }) => title);
        lines.push(
          `  ${status} ${events ? `events: ${events.join(', ')}` : Object.keys(content).join(', ')}`,
        );
      }
    }
  }
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}
