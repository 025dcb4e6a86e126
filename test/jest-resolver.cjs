/**
 * Resolves packages without the export condition `module-sync`, so that Jest treats them alike on every version of Node.
 *
 * Jest adds the condition where Node can evaluate ES modules synchronously (24.9 and later). `require()` then receives
 * ES modules in packages such as `async-function`, and Jest cannot load one that imports its CommonJS twin in turn:
 * "Cannot access 'getAsyncFunction' before initialization". Packages with this condition have to offer `import` or
 * `default` as well, for versions of Node and bundlers that do not know it.
 */
const withoutModuleSync = ({ conditions, ...options }) => ({
  ...options,
  ...(conditions && { conditions: conditions.filter((condition) => condition !== 'module-sync') }),
});

module.exports = {
  sync: (path, options) => options.defaultResolver(path, withoutModuleSync(options)),
  async: (path, options) => options.defaultAsyncResolver(path, withoutModuleSync(options)),
};
