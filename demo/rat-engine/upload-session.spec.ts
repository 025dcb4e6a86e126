import { UploadSession, completedEvent, initEvent, uploadResult } from './upload-session.js';

const FILE = { session_id: 's1', filename: 'a.bin', file_size: 3, download_url: '/api/download/s1' };

describe('UploadSession', () => {
  it('reports its state from before the first byte to the end', () => {
    expect(initEvent('s1', undefined)).toEqual({
      type: 'init',
      session_id: 's1',
      filename: null,
      progress: 0,
      completed: false,
    });
    const session = new UploadSession('s1');
    session.named('a.bin');
    expect(session.advance(40.5)).toEqual({ type: 'progress', session_id: 's1', progress: 40.5 });
    expect(initEvent('s1', session.record)).toMatchObject({
      filename: 'a.bin',
      progress: 40.5,
      completed: false,
    });
    const stored = session.complete('file-1', 3);
    expect(uploadResult(stored)).toEqual(FILE);
    expect(completedEvent(stored)).toEqual({ type: 'completed', ...FILE, progress: 100 });
    expect(initEvent('s1', session.record)).toMatchObject({
      filename: 'a.bin',
      progress: 100,
      completed: true,
    });
    session.told('id-9');
    expect(session.record).toMatchObject({ stored: { file: 'file-1' }, lastEventId: 'id-9' });
  });

  it('makes no event for a progress that did not change', () => {
    const session = new UploadSession('s1');
    expect(session.advance(0)).toBeUndefined();
    session.advance(7);
    expect(session.advance(7)).toBeUndefined();
  });

  it('is the same after its record was stored as text', () => {
    const session = new UploadSession('s1');
    session.named('a.bin');
    session.advance(12);
    expect(initEvent('s1', JSON.parse(JSON.stringify(session.record)))).toEqual(
      initEvent('s1', session.record),
    );
  });
});
