"""Why a file, or a mapping, can't be imported: one sentence that names the place."""

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.errors import Conflict, Invalid, NotFound, Unavailable


class MappingUnknown(NotFound):
    """No mapping is shipped under that name, and there is no such file."""

    code = "MAPPING_UNKNOWN"
    en = "There is no mapping {name}; known are {known}, or give the path of a TOML file."
    zh = "没有名为 {name} 的映射；可用的有 {known}，或给出一个 TOML 文件的路径。"


class MappingInvalid(Invalid):
    """The mapping says something that can't be, or leaves out something needed."""

    code = "MAPPING_INVALID"
    en = "Mapping {name}, at {place}: {reason}"
    zh = "映射 {name} 的 {place} 处有误：{reason}"


class BadFile(Invalid):
    """A file that can't be taken; nothing of it was kept."""


class FileUnreadable(BadFile):
    code = "FILE_UNREADABLE"
    en = "{file} can't be read: {reason}"
    zh = "无法读取 {file}：{reason}"


class FileEmpty(BadFile):
    code = "FILE_EMPTY"
    en = "{file} has no rows."
    zh = "{file} 中没有数据行。"


class FileTruncated(BadFile):
    code = "FILE_TRUNCATED"
    en = "{file} ends in the middle, after line {line}: the compressed data is cut off or damaged."
    zh = "{file} 在第 {line} 行之后中断：压缩数据不完整或已损坏。"


class FileTooLarge(BadFile):
    code = "FILE_TOO_LARGE"
    en = "{file} unpacks to more than {most} MiB."
    zh = "{file} 解压后超过 {most} MiB。"


class WorkbookWrong(BadFile):
    code = "WORKBOOK_WRONG"
    en = "{file} is not a workbook that can be read: {reason}"
    zh = "{file} 不是可读取的工作簿：{reason}"


class EncodingWrong(BadFile):
    code = "ENCODING_WRONG"
    en = "{file}, line {line}, column {column}: not valid {encoding} text."
    zh = "{file} 第 {line} 行第 {column} 列：不是有效的 {encoding} 文本。"


class LineTooLong(BadFile):
    code = "LINE_TOO_LONG"
    en = "{file}, line {line}, column {column}: a row may have at most {most} bytes."
    zh = "{file} 第 {line} 行第 {column} 列：一行最多 {most} 字节。"


class QuotesWrong(BadFile):
    code = "QUOTES_WRONG"
    en = "{file}, line {line}, column {column}: the quotation marks don't match, or the cell is too long."
    zh = "{file} 第 {line} 行第 {column} 列：引号不匹配，或单元格过长。"


class TooManyColumns(BadFile):
    code = "TOO_MANY_COLUMNS"
    en = "{file}, line {line}: more than {most} columns."
    zh = "{file} 第 {line} 行：超过 {most} 列。"


class ColumnMissing(BadFile):
    code = "COLUMN_MISSING"
    en = "{file}, line {line}: there is no column {column}."
    zh = "{file} 第 {line} 行：缺少列“{column}”。"


class ColumnTwice(BadFile):
    code = "COLUMN_TWICE"
    en = "{file}, line {line}: there are two columns {column}."
    zh = "{file} 第 {line} 行：列“{column}”重复。"


class RowWidthWrong(BadFile):
    code = "ROW_WIDTH_WRONG"
    en = "{file}, line {line}: {width} cells from column {column} on don't match the {expected} columns of the header."
    zh = "{file} 第 {line} 行：从第 {column} 列起，{width} 个单元格与表头的 {expected} 列不符。"


class CellWrong(BadFile):
    """A cell doesn't hold what its column should. Its content is not repeated: it may be somebody's phone number."""

    code = "CELL_WRONG"
    en = "{file}, line {line}, column {column}: {reason}"
    zh = "{file} 第 {line} 行，列“{column}”：{reason_zh}"


class NumberWrong(CellWrong):
    code = "NUMBER_WRONG"


class DateWrong(CellWrong):
    code = "DATE_WRONG"


class InvoiceDisagrees(CellWrong):
    code = "INVOICE_DISAGREES"


class PlaceUnknown(CellWrong):
    code = "PLACE_UNKNOWN"


class BrandCodeWrong(Invalid):
    """The code that a brand is to be made under doesn't read as a code."""

    code = "BRAND_CODE_WRONG"
    en = "A brand's code has 1 to 32 of a-z, 0-9 and -."
    zh = "品牌编码由 1 至 32 个小写字母、数字或 - 组成。"


class ImportBusy(Conflict):
    """Another import is being carried out in the brand."""

    code = "IMPORT_BUSY"
    en = "Another import into this brand is running; try again when it is done."
    zh = "该品牌正在进行另一项导入，请等它完成后再试。"


class ImportLost(Conflict):
    """This process was away for so long that another one took the import over."""

    code = "IMPORT_LOST"
    en = "Another process has taken this import over."
    zh = "该导入已由另一个进程接手。"


class CurrencyDiffers(Conflict):
    """The brand is in another currency than the mapping says."""

    code = "CURRENCY_DIFFERS"
    en = "The brand {brand} counts in {ours}, the mapping in {theirs}."
    zh = "品牌 {brand} 的币种是 {ours}，而映射中是 {theirs}。"


class HookSourceTaken(Conflict):
    code = "HOOK_SOURCE_TAKEN"
    en = "There is a source with this {field} already."
    zh = "已有来源使用这个{field_zh}。"


class TooManyHookSources(Conflict):
    code = "TOO_MANY_HOOK_SOURCES"
    en = "A brand has at most {most} sources."
    zh = "每个品牌最多 {most} 个来源。"


class TooManyHookSecrets(Conflict):
    """Two count at a time, so that one can take the other's place without a gap."""

    code = "TOO_MANY_HOOK_SECRETS"
    en = "A source has at most {most} secrets that count: end one first."
    zh = "每个来源最多有 {most} 个有效密钥，请先停用一个。"


class HookSecretEnded(Conflict):
    code = "HOOK_SECRET_ENDED"
    en = "This secret counts no more."
    zh = "这个密钥已经失效。"


class HookMessageDiffers(Conflict):
    """A message's id never comes with two bodies, unless somebody plays a message again with another."""

    code = "HOOK_MESSAGE_DIFFERS"
    en = "A message of this id was received before, with another body."
    zh = "已收到过同一编号的消息，但内容不同。"


class HookGivenUp(Unavailable):
    code = "HOOK_GIVEN_UP"
    en = "It failed every time it was tried, at last with {error}. Replay it once the reason is gone."
    zh = "多次处理均失败，最后一次的错误是 {error}。排除原因后可重新处理。"


class HookMessageBusy(Conflict):
    code = "HOOK_MESSAGE_BUSY"
    en = "This message is being applied already."
    zh = "这条消息正在处理中。"


class HookMessageSettled(Conflict):
    """Applied, ignored, dropped, or its body is forgotten."""

    code = "HOOK_MESSAGE_SETTLED"
    en = "This message is settled: there is nothing left to be done about it."
    zh = "这条消息已经了结，无需再处理。"


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong at one place of a file, in both languages."""

    line: int
    column: str
    reason: str
    reason_zh: str

    def said(self, language: str) -> dict[str, object]:
        """As it is told over HTTP."""
        return {
            "line": self.line,
            "column": self.column,
            "reason": self.reason_zh if language == "zh" else self.reason,
        }


class LinesWrong(BadFile):
    """Lines of a file are wrong; `wrong` names up to 100 of them, and the sentence the first."""

    MOST = 100

    def __init__(self, file: str, wrong: Sequence[Wrong]) -> None:
        self.wrong = wrong[: self.MOST]
        first = wrong[0]
        super().__init__(
            file=file,
            count=len(wrong),
            line=first.line,
            column=first.column,
            reason=first.reason,
            reason_zh=first.reason_zh,
        )


class DirectoryFileWrong(LinesWrong):
    """Lines of a file of regions, stores and staff can't be carried out; `wrong` names up to 100 of them."""

    code = "DIRECTORY_FILE_WRONG"
    en = "{file}: nothing was changed. Mistakes: {count}; the first in line {line}, column {column}: {reason}"
    zh = "{file}：未做任何更改。共 {count} 处错误，第一处在第 {line} 行，列“{column}”：{reason_zh}"


class PayloadWrong(Invalid):
    """A mall's message that can't be read as its mapping says; `place` is where, as `line_items[2].price`.

    What stands there is not repeated: it may be somebody's phone number.
    """

    code = "PAYLOAD_WRONG"
    en = "{place}: {reason}"
    zh = "{place}：{reason_zh}"


class PayloadUnreadable(PayloadWrong):
    """The message isn't JSON, or is nested too deep."""

    code = "PAYLOAD_UNREADABLE"


class PayloadIncomplete(PayloadWrong):
    """Something that every order has is not there, as its number or its time."""

    code = "PAYLOAD_INCOMPLETE"


class LineWithoutSku(PayloadWrong):
    """A line doesn't say which product it is of."""

    code = "LINE_WITHOUT_SKU"


class PriceNegative(PayloadWrong):
    """An order, a refund or goods would cost less than nothing."""

    code = "PRICE_NEGATIVE"


class PayloadCurrency(PayloadWrong):
    """The message counts in another currency than the brand."""

    code = "PAYLOAD_CURRENCY"


class SumsDiffer(PayloadWrong):
    """The lines, with postage, taxes and discounts, do not add up to the amount."""

    code = "SUMS_DIFFER"


class MemberUnknown(Conflict):
    """A message names a customer whom the brand doesn't know."""

    code = "MEMBER_UNKNOWN"
    en = "The customer that order {number} names isn't known. Import the member, and replay."
    zh = "订单 {number} 的会员不存在。请先导入该会员，然后重放。"


class OrderNotHere(Conflict):
    """A refund, or the state of an order, came before the order itself, or before its payment."""

    code = "ORDER_NOT_HERE"
    en = "Order {number}, or word of its payment, isn't here yet: what is said of it waits."
    zh = "订单 {number} 或其付款消息尚未收到，这条消息将等待它。"


class GoodsFileWrong(BadFile):
    """Lines of a file of products or stock can't be taken; `problems` names up to 100 of them.

    `rows_put` were put before that showed: what is there already can make a file wrong that is right by itself.
    """

    code = "GOODS_FILE_WRONG"
    en = "{file}: {kept}. Mistakes: {count}; the first in line {line}, column {column}: {reason}"
    zh = "{file}：{kept_zh}。共 {count} 处错误，第一处在第 {line} 行，列“{column}”：{reason_zh}"
    MOST = 100

    def __init__(self, file: str, count: int, problems: Sequence[Wrong], *, rows_put: int = 0) -> None:
        self.problems = problems
        first = problems[0]
        some = f"the first {rows_put} rows were put, the others were not", f"已写入前 {rows_put} 行，其余未写入"
        kept, kept_zh = some if rows_put else ("nothing was changed", "未做任何更改")
        super().__init__(
            file=file,
            kept=kept,
            kept_zh=kept_zh,
            count=count,
            line=first.line,
            column=first.column,
            reason=first.reason,
            reason_zh=first.reason_zh,
        )
