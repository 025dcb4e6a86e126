// The load: a separate process, controlled by the bench.
import { answer } from './machinery/child-process.mjs';
import { Audience } from './client/audience.mjs';
import { Recorder } from './client/recorder.mjs';
import { request } from './client/requests.mjs';
import { StalledClients } from './client/stalled.mjs';
import { visit } from './client/visitors.mjs';

const audience = new Audience();
const stalled = new StalledClients();
let recorder;

answer({
  record: (args) => {
    recorder = new Recorder();
    return recorder.record(args);
  },
  checkRecord: (args) => recorder.check(args),
  open: (args) => audience.open(args),
  receive: (args) => audience.receive(args),
  mark: () => audience.mark(),
  settled: (args) => audience.settled(args),
  verify: (args) => audience.verify(args),
  heartbeats: () => audience.heartbeats(),
  closeAll: () => audience.close(),
  stall: (args) => stalled.open(args),
  wake: (args) => stalled.wake(args),
  visit,
  request,
});
