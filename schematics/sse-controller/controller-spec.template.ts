import { assignmentLine, callLine, listLine } from '../layout.js';
import type { ControllerType } from './controller.template.js';

/** The spec of a controller of one of the types: an application, a client and the events it gets. */
export function controllerSpecOf(
  type: ControllerType,
  route: string,
  className: string,
  specifier: string,
): string {
  const test = type === 'channel' ? publishedTest(className) : stepsTest();
  return `import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SseModule } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { ${className}Controller } from '${specifier}';

describe('${className}Controller', () => {
${assignmentLine('  const url', `'/${route}/events'`)}
  let app: INestApplication;

  beforeEach(async () => {
    const module = await Test.createTestingModule({
      imports: [SseModule.forRoot()],
${listLine('      controllers', `${className}Controller`)}
    }).compile();

    app = module.createNestApplication();
    await app.init();
  });

  afterEach(async () => {
    await app.close();
  });

${test}});
`;
}

function stepsTest(): string {
  return `  it('streams three steps and ends', async () => {
    const stream = await openStream(app, url);
    const events = await stream.rest();

    expect(stream.status).toBe(200);
    expect(events.map(({ type }) => type)).toEqual(['step', 'step', 'step']);
    expect(events.map((event) => event.json())).toEqual([
      { step: 1 },
      { step: 2 },
      { step: 3 },
    ]);
  });
`;
}

function publishedTest(className: string): string {
  return `  it('streams what is published', async () => {
${callLine('    const controller = app.get', `${className}Controller`, ';')}
    const stream = await openStream(app, url);
    await controller.publish('hello');
    const message = await stream.next('message');
    await stream.close();

    expect(message.json()).toEqual({ text: 'hello' });
  });

  it('goes on after the last event that a client got', async () => {
${callLine('    const controller = app.get', `${className}Controller`, ';')}
    const { id: lastEventId } = await controller.publish('first');
    await controller.publish('second');

    const stream = await openStream(app, url, { lastEventId });
    const message = await stream.next('message');
    await stream.close();

    expect(message.json()).toEqual({ text: 'second' });
  });
`;
}
