"""The tools of the assistant over MCP, for other programs' models."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from coupon_rec._extras import need
from coupon_rec.assistant.tools import MAX_SHOWN, NAMELESS, Coupon, Tools, placed

if TYPE_CHECKING:
    from mcp.server import MCPServer


class Line(BaseModel):
    """A coupon as a model may quote it: `line`, whole and unchanged."""

    place: Annotated[int, Field(ge=1, description="Its place in the customer's list.")]
    line: str
    product: str
    off: str
    until: date
    mailed: Annotated[
        bool,
        Field(description="Whether the customer has it; if not, say that it is open to them."),
    ]


def mcp_server(tools: Tools) -> "MCPServer":
    """Offer the tools of one customer over the Model Context Protocol.

    Parameters
    ----------
    tools : Tools
        Of the customer: no tool asks who that is, so no model can name another.

    Returns
    -------
    mcp.server.MCPServer
        With the tools `coupons` and `coupon`; `run("stdio")` serves them.

    Raises
    ------
    ModuleNotFoundError
        If the extra `assistant` is not installed.
    """
    need("mcp", "assistant")
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError

    def listed() -> list[Coupon]:
        """Keep to this side of the socket what the service said, and where it is."""
        try:
            return tools.coupons()
        except ValueError:
            raise ToolError("the coupons cannot be seen at the moment") from None

    rules = (
        "Quote `line` as it is, call it theirs only if it was `mailed`, and promise nothing else."
    )
    server = MCPServer("coupons", instructions=rules)
    shown: list[Coupon] | None = None

    @server.tool()
    def coupons(product: Annotated[str, Field(max_length=40)] = "") -> list[Line]:
        """List the best five coupons for the customer at most; of these, those of one product.

        If none is for it, and some are for selected products, all: they may be what is wanted.
        """
        nonlocal shown
        shown = listed()[:MAX_SHOWN]
        found = [(_line(place, each), each) for place, each in enumerate(shown, 1)]
        wanted = [line for line, each in found if each.is_for(product)]
        unknown = any(each.product == NAMELESS for each in shown)
        return wanted or [line for line, _ in found if unknown]

    @server.tool()
    def coupon(place: Annotated[int, Field(ge=1, le=MAX_SHOWN)]) -> Line | None:
        """Give one coupon by its place in the list that `coupons` gave last, if it is there yet."""
        now = listed()
        wanted = placed(now if shown is None else shown, place)
        there = next((each for each in now if wanted and each.key == wanted.key), None)
        return _line(place, there) if there else None

    return server


def _line(place: int, coupon: Coupon) -> Line:
    return Line(place=place, line=coupon.line, **vars(coupon))
