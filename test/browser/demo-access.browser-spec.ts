import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { Demo, playFast } from './demo-page.js';
import { takePicture } from './pictures.js';

describe('every pane of the demo', () => {
  const demo = Demo.inThisSuite();
  let page: Page;
  beforeEach(() => ({ page } = demo));

  const press = (id: string) => demo.press(id);
  const shown = (id: string, expected: RegExp) => demo.shown(id, expected);

  /** Records what a screen reader would announce, in order. Returns the function that reads the record. */
  async function listen(): Promise<() => Promise<string[]>> {
    await shown('live-received', /^[1-9]/);
    await page.evaluate(() => {
      const heard: string[] = [];
      Object.assign(globalThis, { heard });
      new MutationObserver((changes) => {
        for (const { target } of changes) {
          const element = target instanceof Element ? target : target.parentElement;
          const region = element?.closest('[aria-live], [role=status], output');
          const text = region?.textContent ?? '';
          if (region?.ariaLive !== 'off' && text !== '' && heard.at(-1) !== text) heard.push(text);
        }
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    return () => page.evaluate(() => (globalThis as unknown as { heard: string[] }).heard);
  }

  /** Fills each pane of the page with something to see, in the order of the page. At most three of them can stream at once. */
  const PANES: readonly (readonly [id: string, fill: () => Promise<unknown>])[] = [
    [
      'live',
      async () => {
        await press('live-cut');
        await shown('live-result', /^Resumed/);
      },
    ],
    [
      'disturb',
      async () => {
        await press('finish-start');
        await press('notice-send');
        await shown('finish-requests', /204/);
        await press('limit-start');
        await shown('limit-result', /200/);
        await press('slow-start');
        await shown('slow-result', /does not wait/);
        await shown('finish-result', /It does not reconnect/);
      },
    ],
    [
      'upload',
      async () => {
        await press('slow-stop');
        await press('upload-start');
        await shown('upload-percent-second', /^[1-9]\d/);
      },
    ],
    [
      'log',
      async () => {
        await press('log-start');
        await shown('log-lines', /(?:#\d+.*){8}/);
        await page.getByTestId('log-search').fill('#');
      },
    ],
    [
      'prescriptions',
      async () => {
        await press('prescriptions-start');
        await shown('prescriptions-accuracy', /%$/);
        await press('prescriptions-second');
        await shown('prescriptions-result', /^The second reader gets 400/);
        await page.getByTestId('prescriptions-table').locator('tbody tr').nth(5).waitFor();
      },
    ],
    [
      'sql',
      async () => {
        await press('prescriptions-stop');
        await press('sql-start');
        await shown('sql-count', /^[3-9]\d/);
      },
    ],
    [
      'board',
      async () => {
        await press('board-start');
        await page.getByTestId('board-auto').check();
        await shown('board-window-1', /Move [3-9] to/);
        await page.getByTestId('board-auto').uncheck();
      },
    ],
    [
      'smallest',
      async () => {
        await press('smallest-start');
        await shown('smallest-status', /^The stream has ended/);
      },
    ],
    [
      'chat',
      async () => {
        await press('chat-start');
        await shown('chat-messages', /\?(?:\w+\W+){12}/);
      },
    ],
    [
      'routes',
      async () => {
        await page.getByTestId('routes-route').selectOption('custom');
        await press('routes-start');
        await shown('routes-status', /^The stream has ended/);
      },
    ],
  ];

  it.each([
    ['light', 'desktop'],
    ['light', 'phone'],
    ['dark', 'desktop'],
    ['dark', 'phone'],
  ] as const)(
    'is accessible, and fits, while every pane has something to show: %s, %s',
    async (colorScheme, size) => {
      const width = size === 'phone' ? 360 : 1280;
      await demo.reopen({
        viewport: { width, height: 900 },
        colorScheme,
        reducedMotion: 'reduce',
        bypassCSP: true,
      });
      ({ page } = demo);
      await shown('live-received', /^[1-9]/);
      for (const [id, fill] of PANES) {
        await fill();
        expect([id, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([id, width]);
        // The strip at the bottom of the window would cover a part of the pane.
        await takePicture(
          page.getByTestId(id),
          `demo/${id}-${colorScheme}-${size}`,
          '.strip { visibility: hidden }',
        );
        if (id !== 'live') continue;
        await page.evaluate(() => scrollTo(0, 0));
        await takePicture(page, `demo/start-${colorScheme}-${size}`);
      }
      await page.addScriptTag({ content: axe.source });
      const found = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
      expect(found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    },
    180_000,
  );

  it('shows the code and the command line of every pane, and copies the line', async () => {
    const names = await page
      .locator('[data-behind]')
      .evaluateAll((panels) => panels.map((panel) => (panel as HTMLElement).dataset['behind'] ?? ''));
    expect(names).toEqual(PANES.map(([id]) => id).filter((id) => id !== 'disturb'));
    for (const name of names) {
      await page.getByTestId(`${name}-copy`).scrollIntoViewIfNeeded();
      await shown(`${name}-code`, /demo\/[\w/.-]+\.ts.*@(?:Sse|UiMessages)\(/);
      await press(`${name}-copy`);
      await shown(`${name}-copy`, /^Copied/);
      const line = await page.getByTestId(`${name}-curl`).innerText();
      expect(line).toMatch(/^curl /);
      expect(line).toContain(demo.url);
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(line);
    }
  });

  it('announces results, and no figures that change all the time', async () => {
    const heard = await listen();
    await press('finish-start');
    await press('upload-start');
    await shown('upload-status', /complete/);
    await shown('finish-result', /It does not reconnect/);
    expect(await heard()).toEqual([
      'Connecting',
      'Two viewers follow the upload',
      'The upload is complete, and both streams have ended',
      'Requests of the browser within 10 s: 2. It does not reconnect.',
    ]);
  });

  it('announces the moves of a game that is played by hand, and who has won one that plays automatically', async () => {
    const heard = await listen();
    await press('board-start');
    for (const player of [1, 2, 1])
      await page.locator(`[data-testid^=board-move-${player}-]`).first().click();
    await shown('board-said', /^Blue rolled/);
    const byHand = await heard();
    expect(byHand).toEqual([
      'Connecting',
      expect.stringMatching(/^(?:Red rolled \d|Both windows follow the table)$/),
      expect.stringMatching(/^(?:Red rolled \d|Both windows follow the table)$/),
      expect.stringMatching(/^Blue rolled \d$/),
      expect.stringMatching(/^Red rolled \d$/),
      expect.stringMatching(/^Blue rolled \d$/),
    ]);
    await page.getByTestId('board-auto').check();
    await page.evaluate(playFast);
    await shown('board-status', /^The game is over/);
    expect((await heard()).slice(byHand.length)).toEqual([
      expect.stringMatching(/^(?:Red|Blue) has won$/),
      'The game is over, and the streams have ended',
    ]);
  });

  it('announces an answer of the chat when it is complete, not its words', async () => {
    const heard = await listen();
    await press('chat-start');
    await shown('chat-status', /^The answer is complete$/);
    const answer = await page.getByTestId('chat-messages').locator('.assistant').textContent();
    expect(answer).toMatch(/\w/);
    await shown('chat-said', /\w/);
    expect(await heard()).toEqual(['Connecting', 'Reading the answer', 'The answer is complete', answer]);
  });

  it('announces each state of a slow client once, and the figures at its end', async () => {
    const heard = await listen();
    await press('slow-start');
    await shown('slow-result', /does not wait/);
    // The figures change several times in this state.
    const figures = await shown('slow-me', /behind/);
    await page.getByTestId('slow-me').filter({ hasNotText: figures }).waitFor();
    await press('slow-stop');
    await shown('slow-result', /^Stopped/);
    const sentences = await heard();
    expect(sentences.slice(0, -1)).toEqual([
      'The buffers of the browser and the network fill first.',
      'The slow client is behind. The fast one does not wait. The server queues few bytes, because the events stay in the log.',
    ]);
    const [, behind, missed, others] =
      /^Stopped\. The slow client was (\d+) events behind and missed (\d+)\. The fast client missed (\d+)\.$/.exec(
        sentences.at(-1) ?? '',
      ) ?? [];
    expect(Number(behind)).toBeGreaterThan(60);
    expect([missed, others]).toEqual(['0', '0']);
    expect(await shown('slow-me', /behind/)).toContain(`, ${behind} behind, ${missed} missed`);
  });

  it.each([
    [1280, 800],
    [360, 740],
  ] as const)(
    'shows the controls of the stream above the strip, and every control that has the focus: %d × %d',
    async (width, height) => {
      await page.setViewportSize({ width, height });
      await page.reload();
      await shown('live-received', /^[1-9]/);
      const top = (await page.getByTestId('strip').boundingBox())?.y ?? 0;
      if (width === 1280) {
        const cut = await page.getByTestId('live-cut').boundingBox();
        expect((cut?.y ?? height) + (cut?.height ?? 0)).toBeLessThan(top);
      }
      // Sources that load change the height of the page.
      for (const [id] of PANES) {
        await page.getByTestId(id).scrollIntoViewIfNeeded();
        if (id !== 'disturb') await shown(`${id}-code`, /@(?:Sse|UiMessages)\(/);
      }
      await page.evaluate(() => scrollTo(0, 0));
      const names = await page.evaluate(() => {
        const controls = [
          ...document.querySelectorAll<HTMLElement>(
            'a[href], button:not(:disabled), input, select, textarea, summary, [tabindex="0"]',
          ),
        ].filter((element) => element.checkVisibility());
        Object.assign(globalThis, { controls });
        return controls.map(({ outerHTML }) => outerHTML.slice(0, 80));
      });
      const walk: unknown[] = [];
      for (let step = 0; step < names.length; step++) {
        await page.keyboard.press('Tab');
        walk.push(await page.evaluate(whatIsWrong));
      }
      expect(walk).toEqual(names.map((name) => [name, []]));
    },
  );

  it('does everything with the keyboard, and the focus is never lost', async () => {
    const focus = (id: string) => page.getByTestId(id).focus();
    /** Presses a key on a control, waits for its effect, and finds the focus where it was. */
    const key = async (id: string, name: string, effect: string, expected: RegExp) => {
      await focus(id);
      await page.keyboard.press(name);
      await shown(effect, expected);
      expect(await focused()).toBe(id);
    };
    const focused = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset['testid']);
    const write = async (id: string, text: string) => {
      await focus(id);
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.type(text);
    };
    await shown('live-received', /^[1-9]/);
    await key('live-cut', 'Enter', 'live-result', /^Resumed/);
    await key('live-copy', 'Space', 'live-copy', /^Copied/);
    await key('slow-start', 'Space', 'slow-me', /behind/);
    // It is disabled now, although it has the focus.
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('slow-stop');
    expect(await page.getByTestId('slow-start').isDisabled()).toBe(true);
    await key('slow-stop', 'Enter', 'slow-result', /^Stopped/);
    await key('limit-start', 'Space', 'limit-result', /200/);
    await key('finish-start', 'Enter', 'finish-requests', /204/);
    await write('notice-text', 'From the keyboard');
    await key('notice-text', 'Enter', 'notice-list', /From the keyboard/);
    await key('upload-start', 'Enter', 'upload-status', /follow/);
    await key('upload-stop', 'Space', 'upload-status', /^Stopped$/);
    await focus('log-service');
    await page.keyboard.press('ArrowDown');
    await key('log-start', 'Enter', 'log-wire', /logs\/worker/);
    await key('log-pause', 'Space', 'log-pause', /^Continue/);
    await key('log-pause', 'Enter', 'log-pause', /^Pause$/);
    await key('log-stop', 'Space', 'log-status', /^Stopped$/);
    await key('prescriptions-start', 'Enter', 'prescriptions-status', /^You are the only reader/);
    await key('prescriptions-second', 'Space', 'prescriptions-result', /^The second reader gets 400/);
    await key('prescriptions-stop', 'Enter', 'prescriptions-status', /^Stopped$/);
    await demo.leaves('/stream/result');
    await key('prescriptions-again', 'Space', 'prescriptions-status', /^You are the only reader/);
    await key('prescriptions-finish', 'Enter', 'prescriptions-status', /finished/);
    await focus('sql-example');
    await page.keyboard.press('ArrowDown');
    await key('sql-start', 'Space', 'sql-count', /^[1-9]/);
    await key('sql-stop', 'Enter', 'sql-status', /^Stopped$/);
    await key('board-start', 'Enter', 'board-window-1', /You rolled/);
    for (const player of [1, 2]) {
      const move = page.locator(`[data-testid^=board-move-${player}-]`).first();
      await move.focus();
      await page.keyboard.press(player === 1 ? 'Enter' : 'Space');
      // The focus goes to a move of the next player.
      await page.locator('[data-testid^=board-move-]:focus').waitFor();
    }
    await key('board-auto', 'Space', 'board-polling', /[1-9]/);
    await key('board-stop', 'Enter', 'board-status', /^Stopped$/);
    await key('smallest-start', 'Space', 'smallest-status', /^The stream has ended/);
    await write('chat-question', 'Who is there?');
    await key('chat-question', 'Enter', 'chat-messages', /there\?\w+/);
    await key('chat-plug', 'Space', 'chat-status', /^Disconnected/);
    await key('chat-plug', 'Enter', 'chat-status', /^(?:Reading the answer|The answer is complete)$/);
    await page.getByTestId('chat-start').and(page.locator(':enabled')).waitFor();
    await key('chat-start', 'Enter', 'chat-messages', /there\?.*there\?\w+/);
    await key('chat-stop', 'Space', 'chat-status', /^The answer was stopped$/);
    await focus('routes-route');
    await page.keyboard.press('ArrowDown');
    await key('routes-start', 'Enter', 'routes-events', /notification/);
  });

  it.each([
    [1280, 'light'],
    [1280, 'dark'],
    [360, 'light'],
    [360, 'dark'],
  ] as const)('does not scroll sideways at %d px, %s', async (width, colorScheme) => {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    await page.reload();
    await shown('live-received', /[1-9]/);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await page.getByTestId('upload-code').getAttribute('open')).toBe(width < 960 ? null : '');
  });
});

/** Runs in the page: what the control with the focus is, and what is wrong with it. */
function whatIsWrong(): [string, string[]] {
  const element = document.activeElement as HTMLElement;
  const { controls } = globalThis as unknown as { controls: HTMLElement[] };
  const strip = document.querySelector('[data-testid=strip]')!;
  const { top, bottom, left, right } = element.getBoundingClientRect();
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const wrong = [
    !controls.includes(element) && 'is not a control',
    (outlineStyle === 'none' || parseFloat(outlineWidth) < 2) && 'has no outline',
    (top < 0 || left < 0 || right > innerWidth) && 'is outside of the window',
    !strip.contains(element) && bottom > strip.getBoundingClientRect().top && 'is behind the strip',
  ];
  return [element.outerHTML.slice(0, 80), wrong.filter((each) => typeof each === 'string')];
}
