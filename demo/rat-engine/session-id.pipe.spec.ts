import { SessionIdPipe } from './session-id.pipe.js';

describe('SessionIdPipe', () => {
  const pipe = new SessionIdPipe();

  it.each(['a', 'page-x1_Y', '7', 'a'.repeat(64)])('takes %p', (id) => {
    expect(pipe.transform(id)).toBe(id);
  });

  it.each(['', '.', '..', '../x', 'a/b', 'a\\b', 'a b', 'a\nb', 'a\0', 'ä', 'a.b', '%2e', 'a'.repeat(65)])(
    'answers %p with 400',
    (id) => {
      expect(() => pipe.transform(id)).toThrow('A session id must have 1 to 64 letters');
    },
  );
});
