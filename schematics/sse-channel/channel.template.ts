import { callLine, listLine } from '../layout.js';

/** The source of a provider around one channel. */
export function channelOf(name: string, className: string): string {
  return `import { Injectable } from '@nestjs/common';
import { Channels } from 'nestjs-event-stream';
import type { Channel, SubscribeOptions } from 'nestjs-event-stream';

/** The payload of the events of the channel. */
export interface ${className}Message {
  text: string;
}

@Injectable()
export class ${className}Channel {
  private readonly channel: Channel<${className}Message>;

  constructor(channels: Channels) {
${callLine('    this.channel = channels.channel', `'${name}'`, ';')}
  }

  /** Publishes to all subscribers. Resolves with the id of the event. */
${callLine('  publish', `message: ${className}Message`, ' {')}
    return this.channel.publish(message);
  }

  /** Subscribes to new events, or to those after an id. Return the result from an \`@Sse()\` handler. */
${callLine('  subscribe', `options?: SubscribeOptions<${className}Message>`, ' {')}
    return this.channel.subscribe(options);
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
${listLine('      providers', `${className}Channel`)}
    }).compile();
  });

  afterEach(async () => {
    await module.close();
  });

  it('delivers what is published', async () => {
${callLine('    const channel = module.get', `${className}Channel`, ';')}
    const events = channel.subscribe();
    await events.ready;
    await channel.publish({ text: 'hello' });
    const { value } = await events.next();
    events.close();

    expect(value?.data).toEqual({ text: 'hello' });
  });
});
`;
}
