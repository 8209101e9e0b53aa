import {
  type BinaryOperationNode,
  ColumnNode,
  type LimitNode,
  ReferenceNode,
  SqliteQueryCompiler,
  ValueNode,
} from "kysely";

/** Words of our own, and nothing that a literal would have to be quoted for. */
const WORD = /^[a-z_]+$/;

/**
 * Writes what SQLite can plan once. It plans a prepared statement anew at each call where a parameter might change its mind:
 * one that is a LIMIT, and one that is compared with a column which partial indexes name. That costs several times what the
 * statement itself does.
 */
export class PlannedOnceCompiler extends SqliteQueryCompiler {
  protected override visitLimit(node: LimitNode): void {
    this.append("limit cast(");
    this.visitNode(node.limit);
    this.append(" as integer)");
  }

  /** A state stands in the text. */
  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const { leftOperand: left, operator, rightOperand: right } = node;
    if (
      !isState(left) || !ValueNode.is(right) || typeof right.value !== "string" || !WORD.test(right.value)
    ) {
      return super.visitBinaryOperation(node);
    }
    this.visitNode(left);
    this.append(" ");
    this.visitNode(operator);
    this.append(` '${right.value}'`);
  }
}

function isState(node: BinaryOperationNode["leftOperand"]): boolean {
  return ReferenceNode.is(node) && ColumnNode.is(node.column) && node.column.column.name === "state";
}
