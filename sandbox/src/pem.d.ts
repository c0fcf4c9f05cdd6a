/** A PEM file, as text: see the rule in wrangler.toml. */
declare module "*.pem" {
  const text: string;
  export default text;
}
