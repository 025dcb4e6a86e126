import { importEnding } from '../../schematics/module-file/imports.js';
import { classify, dasherize, routeOf } from '../../schematics/project/names.js';
import { dirname, join, relativeSpecifier } from '../../schematics/project/paths.js';

it.each([
  ['chat', 'chat', 'Chat'],
  ['orderLog', 'order-log', 'OrderLog'],
  ['OrderLog', 'order-log', 'OrderLog'],
  ['order_log', 'order-log', 'OrderLog'],
  ['order log', 'order-log', 'OrderLog'],
  ['order--log', 'order--log', 'OrderLog'],
  ['log2Disk', 'log2-disk', 'Log2Disk'],
  ['v1.chat', 'v1-chat', 'V1Chat'],
  [' übung ', 'übung', 'Übung'],
])('%s is %s in files and %s in classes', (name, file, className) => {
  expect([dasherize(name), classify(name)]).toEqual([file, className]);
});

it.each([
  ['order-log', 'order-log'],
  ['übung', 'ubung'],
  ['café-1', 'cafe-1'],
  ['ｆｕｌｌ', 'full'],
  ['straße', undefined],
  ['聊天', undefined],
])('%s is %s in a URL', (name, route) => {
  expect(routeOf(name)).toBe(route);
});

it('joins paths as they are given on any platform', () => {
  expect(join('/src/', './app', '../users\\chat', '')).toBe('src/users/chat');
  expect(join('..', '.')).toBe('');
  expect(dirname('src/app.module.ts')).toBe('src');
  expect(dirname('app.module.ts')).toBe('');
});

it.each([
  ['src/app.module.ts', 'src/chat/chat.controller', './chat/chat.controller'],
  ['src/a/b/b.module.ts', 'src/a/c/d', '../c/d'],
  ['app.module.ts', 'src/d', './src/d'],
  ['src/chat/chat.module.ts', 'src/chat/d', './d'],
  ['src/chat/chat.module.ts', 'src/chats/d', '../chats/d'],
])('%s imports %s as %s', (from, to, specifier) => {
  expect(relativeSpecifier(from, to)).toBe(specifier);
});

it.each([
  ["import { A } from './a.js';", '.js'],
  ["import { A } from '../a.ts';", '.ts'],
  ["import { A } from './a';", ''],
  ["import { A } from './a.service';", ''],
  ["import { A } from '@nestjs/common.js';", undefined],
  ["import data from './data.json' with { type: 'json' };", undefined],
  ["import data from './data.json';\nimport { A } from './a.js';", '.js'],
  ["import './style.css';\nimport { A } from './a';", ''],
  ["import { A } from './a.service';\nimport { B } from './b.js';", '.js'],
  ["import { A } from './a.mjs';", undefined],
])('%s has the import ending %j', (source, ending) => {
  expect(importEnding(source)).toBe(ending);
});
