/** A file's text, which Vite imports. */
declare module "*.pem?raw" {
  const text: string;
  export default text;
}
