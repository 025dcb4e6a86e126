import { Query } from '@nestjs/common';
import { Sse, event } from 'nestjs-event-stream';
import { defineEvents } from 'nestjs-event-stream/events';
import { type as ark } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { counter } from '../machinery/payload.mjs';
import { decorate } from './decorate.mjs';

const CONTRACTS = {
  zod: defineEvents({
    counter: z.object({ type: z.literal('counter'), value: z.number(), timestamp: z.number() }),
  }),
  valibot: defineEvents({
    counter: v.object({ type: v.literal('counter'), value: v.number(), timestamp: v.number() }),
  }),
  arktype: defineEvents({ counter: ark({ type: "'counter'", value: 'number', timestamp: 'number' }) }),
};

/** The named events of the generator: from `event()`, from a creator, and from a creator with validation. */
export function addTypedRoutes(Streams) {
  const add = (path, make, options = {}) => {
    Streams.prototype[path] = async function* (count, perTurn) {
      for await (const data of counter(Number(count), Number(perTurn))) yield make(data);
    };
    decorate(Streams, path, [Sse(path, options)], [Query('count'), Query('perTurn')]);
  };
  add('typed-none', (data) => event({ type: 'counter', data }));
  add('typed-contract', CONTRACTS.zod.counter, { events: CONTRACTS.zod, validate: false });
  for (const [library, events] of Object.entries(CONTRACTS)) {
    add(`typed-${library}`, events.counter, { events, validate: true });
  }
}
