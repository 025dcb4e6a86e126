import { callLine } from '../layout.js';

/** The kind of result of a generated handler. */
export type ControllerType = 'generator' | 'observable' | 'channel';

/** The source of a controller of one of the types. */
export function controllerOf(type: ControllerType, route: string, className: string): string {
  const source = {
    generator: generatorController,
    observable: observableController,
    channel: channelController,
  };
  return source[type](route, className);
}

function generatorController(route: string, className: string): string {
  return `import { setTimeout as delay } from 'node:timers/promises';
import { Controller } from '@nestjs/common';
import { event, Sse, SseSignal } from 'nestjs-event-stream';

${callLine('@Controller', `'${route}'`, '')}
export class ${className}Controller {
  // The signal aborts when the client leaves. Pass it to everything that you await.
  @Sse('events')
  async *events(@SseSignal() signal: AbortSignal) {
    for (let step = 1; step <= 3; step++) {
      await delay(100, undefined, { signal });
      yield event({ type: 'step', data: { step } });
    }
  }
}
`;
}

function observableController(route: string, className: string): string {
  return `import { Controller } from '@nestjs/common';
import { event, Sse, type SseEvent } from 'nestjs-event-stream';
import { map, Observable, take, timer } from 'rxjs';

${callLine('@Controller', `'${route}'`, '')}
export class ${className}Controller {
  // The Observable is unsubscribed from when the client leaves.
  @Sse('events')
  events(): Observable<SseEvent> {
    return timer(100, 100).pipe(
      take(3),
      map((index) => event({ type: 'step', data: { step: index + 1 } })),
    );
  }
}
`;
}

function channelController(route: string, className: string): string {
  return `import { Body, Controller, Post } from '@nestjs/common';
import { Channels, LastEventId, Sse, SseSignal } from 'nestjs-event-stream';
import type { Channel } from 'nestjs-event-stream';

${callLine('@Controller', `'${route}'`, '')}
export class ${className}Controller {
  private readonly channel: Channel<{ text: string }>;

  constructor(channels: Channels) {
${callLine('    this.channel = channels.channel', `'${route}'`, ';')}
  }

  // A client that reconnects first receives the events that it missed.
  @Sse('events')
  events(@SseSignal() signal: AbortSignal, @LastEventId() after?: string) {
    return this.channel.subscribe({ after, signal });
  }

  // Reaches every connected client, and clients that reconnect.
  @Post('events')
  async publish(@Body('text') text: string) {
    return { id: await this.channel.publish({ text }) };
  }
}
`;
}
