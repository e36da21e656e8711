// What cannot be drawn takes nothing else with it: of a view that fails stands what to do, and the others go on.

import { Component, type ComponentChildren } from "preact";
import { plain } from "../engine/words";

interface Props {
  /** What is drawn: another is tried anew. */
  view: string;
  children: ComponentChildren;
}

export class Boundary extends Component<Props, { failed?: { view: string; error: unknown } | undefined }> {
  override componentDidCatch(error: unknown): void {
    console.error("nbtrace: a view could not be drawn", error);
    this.setState({ failed: { view: this.props.view, error } });
  }

  override componentDidUpdate(): void {
    if (this.state.failed && this.state.failed.view !== this.props.view) this.setState({ failed: undefined });
  }

  render() {
    if (this.state.failed?.view !== this.props.view) return this.props.children;
    return (
      <p class="nbt-empty" role="alert">
        This view could not be drawn ({plain(this.state.failed.error, 200)}). Choose another; please report it with what stands in the browser's console.
      </p>
    );
  }
}
