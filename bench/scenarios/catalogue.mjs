import { connect } from './connect.mjs';
import { fanOut1, fanOut16 } from './fan-out.mjs';
import { generator } from './generator.mjs';
import { idle } from './idle.mjs';
import { observable } from './observable.mjs';
import { otherRoutes } from './other-routes.mjs';
import { redis } from './redis.mjs';
import { resume } from './resume.mjs';
import { stalled } from './stalled.mjs';
import { typed } from './typed.mjs';

/** All scenarios, in the order in which they run. */
export const SCENARIOS = [
  generator,
  observable,
  typed,
  fanOut1,
  fanOut16,
  idle,
  stalled,
  connect,
  otherRoutes,
  resume,
  redis,
];
