/** Lines of a script that write a file unchanged. */
export function file(path: string, lines: readonly string[]): string[] {
  return [`cat > ${path} <<'S3_FERRY_END'`, ...lines, 'S3_FERRY_END'];
}
