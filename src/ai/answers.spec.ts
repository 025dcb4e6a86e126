import { resumeAnswer, startAnswer } from 'nestjs-event-stream/ai';
import { TestNodes } from '../../test/fixtures/nodes.js';

describe('resumeAnswer()', () => {
  it('answers 204 if the answer ends after its status was read', async () => {
    const nodes = new TestNodes();
    const { runs } = nodes.add({}, 'direct');
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    await startAnswer(runs, 'chat', async function* () {
      yield 'text';
      await finished;
    });
    const { status } = runs;
    runs.status = async (id) => {
      const found = await status.call(runs, id);
      finish();
      await nodes.advance(500);
      return found;
    };
    expect(await resumeAnswer(runs, 'chat')).toMatchObject({ status: 204 });
  });
});
