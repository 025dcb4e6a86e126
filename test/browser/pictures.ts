import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';

/** The folder for pictures of the documentation, if they are to be made: `SCREENSHOTS=docs/images npm run test:browser -- demo.`. */
const { SCREENSHOTS } = process.env;
/** Texts stay sharp, and a picture has some ten kilobytes. */
const QUALITY = 0.75;

export const TAKES_PICTURES = Boolean(SCREENSHOTS);

/** Takes a picture of a page or of a part of it, if pictures are to be made. The browser itself encodes it as WebP. */
export async function takePicture(of: Page | Locator, name: string, style?: string): Promise<void> {
  if (!SCREENSHOTS) return;
  const page = 'page' in of ? of.page() : of;
  const png = await page.screenshot({
    animations: 'disabled',
    ...(style !== undefined && { style }),
    ...('page' in of && { fullPage: true, clip: await rowOf(of) }),
  });
  const blank = await page.context().newPage();
  const webp = await blank.evaluate(
    async ([url, quality]) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      const canvas = document.createElement('canvas');
      Object.assign(canvas, { width: image.width, height: image.height });
      canvas.getContext('2d')?.drawImage(image, 0, 0);
      return canvas.toDataURL('image/webp', quality).replace(/^.*,/, '');
    },
    [`data:image/png;base64,${png.toString('base64')}`, QUALITY] as const,
  );
  await blank.close();
  const path = join(SCREENSHOTS, `${name}.webp`);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, Buffer.from(webp, 'base64'));
}

/** The place of a part in its page, as wide as the page, so that the margins are in the picture. */
function rowOf(part: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  return part.evaluate((element) => {
    const { top, height } = element.getBoundingClientRect();
    return { x: 0, y: top + scrollY, width: document.documentElement.clientWidth, height };
  });
}
