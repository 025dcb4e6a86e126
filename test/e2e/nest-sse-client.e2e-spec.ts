import { Controller, Sse } from '@nestjs/common';
import { connect } from 'nestjs-event-stream/client';
import { defineEvents, type } from 'nestjs-event-stream/events';
import { of } from 'rxjs';
import { closeApps, eachAdapter, makeApp } from './adapters.js';

const events = defineEvents({ tick: type<{ n: number }>(), message: type<{ n: number }>() });

@Controller()
class NestController {
  @Sse('native')
  native() {
    return of({ data: { n: 1 }, id: '7', type: 'tick', retry: 50 }, { data: { n: 2 } });
  }
}

eachAdapter((adapter) => {
  afterAll(closeApps);

  it("reads Nest's own @Sse() with a contract", async () => {
    const app = await makeApp(adapter, { controllers: [NestController] });
    const stream = connect(`${await app.getUrl()}/native`, { events, retry: false });
    const all: unknown[] = [];
    for await (const { type: name, data, id } of stream) all.push([name, data, id]);
    expect(all).toEqual([
      ['tick', { n: 1 }, '7'],
      ['message', { n: 2 }, '1'],
    ]);
  });
});
