"""What the handover domain refuses."""

from intake.errors import LinesWrong
from kernel.errors import Conflict, Forbidden, Invalid


class HandoverMovedOn(Conflict):
    """The handover is in a state in which this can't be done."""

    code = "HANDOVER_MOVED_ON"
    en = "The handover has moved on meanwhile (it is {state}). Refresh to see where it is."
    zh = "交接的状态已变化（{state}），请刷新后查看。"


class HandoverInFlight(Conflict):
    """The person, or the store, is being handed over already; one at a time."""

    code = "HANDOVER_IN_FLIGHT"
    en = "A handover of this is under way already. Finish or cancel it first."
    zh = "已有进行中的交接，请先完成或取消。"


class OwnHandover(Forbidden):
    """Nobody starts, approves or undoes the handover of what they hold themselves."""

    code = "OWN_HANDOVER"
    en = "You can't decide on your own handover. Ask another manager."
    zh = "不能处理自己的交接，请由其他管理者操作。"


class PlanMissing(Conflict):
    """There is no complete plan yet: it is being made, or somebody has no place in it."""

    code = "PLAN_MISSING"
    en = "The plan isn't complete: it is still being made, or somebody has no place in it yet."
    zh = "交接方案尚未完成：仍在生成，或还有顾客没有安排接手人。"


class TakeoverUnfit(Conflict):
    """The takeover guide is the leaver, is leaving, works elsewhere or lacks the permission."""

    code = "TAKEOVER_UNFIT"
    en = "This account can't take over: {why}"
    zh = "该账号不能接手：{why_zh}"


class TakeoverFull(Conflict):
    """The takeover guide would hold more than their capacity."""

    code = "TAKEOVER_FULL"
    en = "This guide has room for {room} more, not for {asked}."
    zh = "该导购还能接手 {room} 位顾客，无法接手 {asked} 位。"


class UndoWindowOver(Conflict):
    """The time in which the handover could be undone is over."""

    code = "UNDO_WINDOW_OVER"
    en = "The time to undo this handover is over. Pause it first if it still moves, or else start another one."
    zh = "已超过可撤销的期限。仍在进行中的请先暂停再撤销，否则请发起新的交接。"


class NothingToAskAgain(Conflict):
    """The partner hasn't said no to this relationship's contact, or the contact isn't there to be asked for."""

    code = "NOTHING_TO_ASK_AGAIN"
    en = "There is nothing to ask the partner again about this customer (it stands at {there})."
    zh = "该顾客无需再次向企业微信发起（当前状态：{there}）。"


class PartnerNotTied(Conflict):
    """The brand isn't tied to a corp at the partner."""

    code = "PARTNER_NOT_TIED"
    en = "The brand isn't tied to WeCom. Tie it first."
    zh = "该品牌尚未绑定企业微信，请先绑定。"


class PartnerKeyWrong(Invalid):
    """Something that the partner's address is set up with doesn't have the shape that WeCom asks for."""

    code = "PARTNER_KEY_WRONG"
    en = "{what} must be {shape}."
    zh = "{what} 应为 {shape_zh}。"


class ReportTooLarge(Invalid):
    """A report is signed as a whole."""

    code = "HANDOVER_REPORT_TOO_LARGE"
    en = "This handover has more than {most} relationships, too many for this kind of file."
    zh = "该交接涉及的客户关系超过 {most} 个，无法导出为这种文件。"


class AlertSettled(Conflict):
    """Somebody has looked into this alert already."""

    code = "ALERT_SETTLED"
    en = "Somebody has looked into this already."
    zh = "该提醒已有人处理。"


class ContactFileWrong(LinesWrong):
    """Lines of a file of contacts can't be read, or gainsay each other; `wrong` names up to 100 of them."""

    code = "CONTACT_FILE_WRONG"
    en = "{file}: nothing was taken. Mistakes: {count}; the first in line {line}, column {column}: {reason}"
    zh = "{file}：未导入任何内容。共 {count} 处错误，第一处在第 {line} 行，列“{column}”：{reason_zh}"
