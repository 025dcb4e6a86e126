import { Controller, UseInterceptors, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { Channels, Sse, event } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

/** The result of a class serializer for an instance: a plain object of its own enumerable fields. */
class CopyFields {
  intercept(_context: ExecutionContext, next: CallHandler<object>): Observable<object> {
    return next.handle().pipe(map((value) => Object.fromEntries(Object.entries(value))));
  }
}

@Controller()
@UseInterceptors(CopyFields)
class Serialized {
  constructor(private readonly channels: Channels) {}

  @Sse('events')
  *events() {
    yield event({ type: 'y', id: '7', data: { b: 1 } });
  }

  @Sse('channel')
  channel() {
    return this.channels.channel('c').subscribe();
  }
}

eachAdapter((adapter) => {
  afterEach(closeApps);

  it('an interceptor that copies the fields of each value does not change events', async () => {
    const app = await makeApp(adapter, { controllers: [Serialized] });
    const stream = await openStream(app, '/events');
    expect(await stream.end()).toBe('ended');
    expect(stream.raw()).toBe(':\nevent: y\nid: 7\ndata: {"b":1}\n\n');
  });

  it('nor the events of a channel, with the IDs for resuming', async () => {
    const app = await makeApp(adapter, { controllers: [Serialized] });
    const channel = app.get(Channels).channel('c');
    const stream = await openStream(app, '/channel');
    await until(() => channel.size() === 1);
    const id = await channel.publish({ n: 1 });
    await stream.next();
    expect(stream.raw()).toBe(`:\nid: ${id}\ndata: {"n":1}\n\n`);
    await stream.close();
  });
});
