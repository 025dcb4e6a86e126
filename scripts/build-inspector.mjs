// Bundles the page of the inspector into `src/inspector/page.bundle.ts`, from where the server sends it. Run it after each change in
// `src/inspector/page/`; `src/inspector/page.bundle.spec.ts` fails if it was forgotten.
import { writeFileSync } from 'node:fs';
import { bundleOfPage, BUNDLE } from './inspector-bundle.mjs';

writeFileSync(BUNDLE, await bundleOfPage());
console.log(`wrote ${BUNDLE}`);
