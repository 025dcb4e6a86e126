import { Controller, Header } from '@nestjs/common';
import { Sse, event } from 'nestjs-event-stream';
import { helloEvents } from './hello-events.js';
import { spacedJson } from './spaced-json.js';

const EVENTS = 10;

/** The example service of tRPC-Cpp. Its client is `client.ts` in this folder. */
@Controller('sse')
export class TrpcCppController {
  @Sse('test', { events: helloEvents, serialize: spacedJson })
  @Header('Access-Control-Allow-Origin', '*')
  @Header('Access-Control-Allow-Headers', 'Cache-Control')
  *test() {
    // This system writes the name of its events, which `helloEvents.message()` would leave out.
    for (let idx = 0; idx < EVENTS; idx++) {
      yield event({ type: 'message', id: idx, data: { msg: 'hello', idx } });
    }
  }
}
