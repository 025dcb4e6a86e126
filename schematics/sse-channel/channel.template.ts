/** The source of a provider around one channel. */
export function channelOf(name: string, className: string): string {
  return `import { Injectable } from '@nestjs/common';
import { Channels, event } from 'nestjs-event-stream';

/** What travels on the channel. */
export interface ${className}Message {
  text: string;
}

@Injectable()
export class ${className}Channel {
  constructor(private readonly channels: Channels) {}

  /** Reaches every subscriber; resolves to the id of the event. */
  publish(message: ${className}Message) {
    const published = event({ type: '${name}', data: message });
    return this.channels.channel('${name}').publish(published);
  }

  /** What came after the event \`after\`, then what comes: return it from an \`@Sse()\` handler. */
  subscribe(options: { after?: string; signal?: AbortSignal } = {}) {
    return this.channels.channel('${name}').subscribe(options);
  }
}
`;
}

/** The spec of such a provider. */
export function channelSpecOf(className: string, specifier: string): string {
  return `import { Test, type TestingModule } from '@nestjs/testing';
import { SseModule } from 'nestjs-event-stream';
import { ${className}Channel } from '${specifier}';

describe('${className}Channel', () => {
  let module: TestingModule;

  beforeEach(async () => {
    module = await Test.createTestingModule({
      imports: [SseModule.forRoot()],
      providers: [${className}Channel],
    }).compile();
  });

  afterEach(async () => {
    await module.close();
  });

  it('delivers what is published', async () => {
    const channel = module.get(${className}Channel);
    const leaving = new AbortController();
    const events = channel.subscribe({ signal: leaving.signal });
    const iterator = events[Symbol.asyncIterator]();
    const received = iterator.next();
    await channel.publish({ text: 'hello' });

    expect((await received).value).toMatchObject({ data: { text: 'hello' } });
    leaving.abort();
  });
});
`;
}
