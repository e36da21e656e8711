// What is used of prism.

declare module "prismjs/components/prism-core" {
  namespace Prism {
    type Item = string | Token;
    interface Token {
      type: string;
      content: Item | Item[];
    }
  }
  const Prism: { languages: Record<string, object>; tokenize(text: string, grammar: object): Prism.Item[] };
  export default Prism;
}

declare module "prismjs/components/prism-python" {}
