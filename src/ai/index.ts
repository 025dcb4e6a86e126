export { UiMessages } from './ui-messages.decorator.js';
export { resumeAnswer, startAnswer, stopAnswer, type AnswerOptions, type ResumeOptions } from './answers.js';
export { uiMessageChunks, type UiMessageSource } from './ui-message-source.js';
export type { UiMessageChunk } from './message-chunks.js';
