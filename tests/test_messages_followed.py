"""Links in messages that somebody followed: counted without a pixel, once for an order and day, of people alone."""

from sqlalchemy import select

from doorstep.message import Kind
from doorstep.tables import tallies

from .asking import placed, telling
from .ordering import EMAIL, MOVING, order
from .shopfront import HOST

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def test_a_link_in_a_message_is_counted_where_it_leads(tmp_path, plugin):
    with telling(tmp_path, plugin) as front:
        kept, other = (placed(front, order(number, MOVING, email=EMAIL)) for number in ("1001", "1002"))
        link = front.engine.message_links.order(kept, Kind.DELIVERED).removeprefix(HOST)
        for _ in range(3):
            assert front.get(link, User_Agent=BROWSER).status_code == 200
        front.get(link.replace("delivered", "delayed"), User_Agent=BROWSER)
        front.get(front.engine.message_links.order(other, Kind.DELIVERED).removeprefix(HOST), User_Agent=BROWSER)
        front.get(link.replace("delivered", "returned"), User_Agent="Googlebot/2.1")
        front.get(link.replace("delivered", "nonsense"), User_Agent=BROWSER)
        front.get(link.replace("delivered", "survey"), User_Agent=BROWSER, Sec_Purpose="prefetch")
        front.client.portal.call(front.engine.tallies.flush)
        query = select(tallies.c.subject, tallies.c.count).where(tallies.c.kind == "followed")
        with front.engine.database.reading() as connection:
            assert dict(list(connection.execute(query))) == {"delivered": 2, "delayed": 1}
