import { UploadSession, completedEvent, uploadResult } from './upload-session.js';

const FILE = { session_id: 's1', filename: 'a.bin', file_size: 3, download_url: '/api/download/s1' };

describe('UploadSession', () => {
  it('tells how it stands, from before the first byte to the end', () => {
    const session = new UploadSession('s1');
    expect(session.init).toEqual({
      type: 'init',
      session_id: 's1',
      filename: null,
      progress: 0,
      completed: false,
    });
    session.begin();
    session.named('a.bin');
    expect(session.advance(40.5)).toEqual({ type: 'progress', session_id: 's1', progress: 40.5 });
    expect(session.init).toMatchObject({ filename: 'a.bin', progress: 40.5, completed: false });
    const stored = session.complete('/somewhere/file', 3);
    expect(uploadResult(stored)).toEqual(FILE);
    expect(completedEvent(stored)).toEqual({ type: 'completed', ...FILE, progress: 100 });
    expect(session.init).toMatchObject({ filename: 'a.bin', progress: 100, completed: true });
    expect(session.stored?.path).toBe('/somewhere/file');
  });

  it('has nothing to tell of a figure that did not move', () => {
    const session = new UploadSession('s1');
    expect(session.advance(0)).toBeUndefined();
    session.advance(7);
    expect(session.advance(7)).toBeUndefined();
  });

  it('takes one upload at a time, and one in all', () => {
    const session = new UploadSession('s1');
    session.begin();
    expect(() => session.begin()).toThrow('A file is being uploaded in this session.');
    session.complete('/somewhere/file', 3);
    expect(() => session.begin()).toThrow('This session has its file already.');
  });

  it('can be tried again after a failure, as if nothing had been', () => {
    const session = new UploadSession('s1');
    session.begin();
    session.named('a.bin');
    session.advance(40);
    expect(session.fail('broken')).toEqual({ type: 'error', message: 'broken' });
    expect(session.init).toMatchObject({ filename: null, progress: 0, completed: false });
    expect(() => session.begin()).not.toThrow();
  });

  it('is idle only while nobody sends to it or watches it', () => {
    const session = new UploadSession('s1');
    expect(session.idle).toBe(true);
    session.viewers++;
    expect(session.idle).toBe(false);
    session.viewers--;
    session.begin();
    expect(session.idle).toBe(false);
    session.complete('/somewhere/file', 3);
    expect(session.idle).toBe(true);
  });
});
