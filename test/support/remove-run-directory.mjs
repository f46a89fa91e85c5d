/** Jest's global teardown. */
export default function tearDown() {
  globalThis.removeRunDirectory();
}
