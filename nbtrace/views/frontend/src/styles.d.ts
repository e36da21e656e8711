// Rules of style, which the build makes a text of.

declare module "*.css" {
  const rules: string;
  export default rules;
}
