import fc from 'fast-check';
import { memoryLog } from 'nestjs-event-stream';
import { foldSteps, liveWithFold } from '../fixtures/fold-model.js';

/** `npm run test:folds` sets it. */
const RUNS = Number(process.env['FOLD_RUNS'] ?? 60);
const TIMEOUT_MS = Math.max(120_000, RUNS * 1000);

describe('a state and the events after it are the fold of all events', () => {
  it(
    'for any nodes that publish and die, and any clients that join, without a gap if the log keeps enough for the state to follow',
    async () => {
      let joins = 0;
      let evicting = 0;
      await fc.assert(
        fc.asyncProperty(foldSteps, fc.nat(), async (steps, seed) => {
          const life = await liveWithFold([memoryLog({ maxEvents: 80 })], steps, seed);
          expect(life.gaps).toBe(0);
          joins += life.joins;
          if (life.published > 80) evicting++;
        }),
        { numRuns: RUNS },
      );
      expect(joins).toBeGreaterThan(RUNS * 3);
      expect(evicting).toBeGreaterThan(RUNS / 10);
    },
    TIMEOUT_MS,
  );

  it(
    'never a state that lacks an event without a gap, if the log keeps few events',
    async () => {
      let gaps = 0;
      await fc.assert(
        fc.asyncProperty(
          foldSteps,
          fc.integer({ min: 1, max: 30 }),
          fc.nat(),
          async (steps, maxEvents, seed) => {
            const life = await liveWithFold([memoryLog({ maxEvents })], steps, seed);
            gaps += life.gaps;
          },
        ),
        { numRuns: RUNS },
      );
      expect(gaps).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
