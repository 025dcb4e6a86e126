import { replay } from './simulation.js';

describe('replay', () => {
  it('merges the cases in order of time and marks the last event of each', () => {
    const step = (case_id: string, activity: string, day: number) => ({
      case_id,
      activity,
      timestamp: `2023-01-0${day}T08:00:00Z`,
    });
    const steps = replay([
      [step('A', 'Open', 1), step('A', 'Close', 4)],
      [step('B', 'Open', 2), step('B', 'Work', 3), step('B', 'Close', 5)],
    ]);
    expect(
      steps.map(({ event, caseCompleted }) => `${event.case_id} ${event.activity} ${caseCompleted}`),
    ).toEqual(['A Open false', 'B Open false', 'B Work false', 'A Close true', 'B Close true']);
  });
});
