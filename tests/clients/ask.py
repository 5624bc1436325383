"""Asks a running service all questions through the client that is generated from its description."""

import sys
from uuid import UUID

from trolley_client import Client
from trolley_client.api.alternatives import get_alternatives
from trolley_client.api.bought_together import get_bought_together, get_bought_together_for_cart, get_why_not
from trolley_client.api.events import record_events
from trolley_client.api.health import get_readiness
from trolley_client.api.markets import list_markets
from trolley_client.api.offers import get_audience, rank_offers, replace_offers
from trolley_client.api.rules import list_rules, replace_rules
from trolley_client.api.stock import update_stock
from trolley_client.models import (
    Cart, Event, Events, Happened, OfferBody, Offers, Problem, Rule, Rules, TierName, UpdateBody, Updates,
)

client = Client(base_url=sys.argv[1])
us, bananas, milk, customer = "us", "1082185", "1029743", "900"

assert get_readiness.sync(client=client).status == "ready"
[market] = list_markets.sync(client=client).markets
assert market.market == us and market.items > 1000

answer = get_bought_together.sync(us, bananas, client=client, customer=customer, explain=True, exclude=[milk])
assert len(answer.items) == 6 and all(item.tier == TierName.MODEL for item in answer.items)
assert all(item.id != milk for item in answer.items) and answer.items[0].reasons[0].text
cart = Cart(items=[bananas, milk], customer=customer, limit=3, not_category=["SOFT DRINKS"])
assert len(get_bought_together_for_cart.sync(us, client=client, body=cart).items) == 3
assert get_why_not.sync(us, bananas, milk, client=client).verdict
assert get_alternatives.sync(us, milk, client=client, limit=2).items

offers = Offers(sequence=2, offers=[OfferBody(id="o1", items=[bananas], valid_to="2099-12-31"), OfferBody(id="o,2", items=[milk])])
assert replace_offers.sync(us, client=client, body=offers).accepted == 2
assert {item.id for item in rank_offers.sync(us, customer, client=client).items} == {"o1", "o,2"}
assert [item.id for item in rank_offers.sync(us, customer, client=client, exclude=["o1"]).items] == ["o,2"]
assert len(get_audience.sync(us, "o1", client=client, limit=5).items) == 5

updates = Updates(updates=[UpdateBody(item=milk, in_stock=False, sequence=1)])
assert update_stock.sync(us, client=client, body=updates).accepted == 1
assert all(item.id != milk for item in get_bought_together.sync(us, bananas, client=client, limit=50).items)
rules = Rules(rules=[Rule(id="apart", block_pair=["LIGHTER FLUID", "BABY FOOD"])])
assert replace_rules.sync(us, client=client, body=rules).accepted == 1
assert list_rules.sync(us, client=client).rules[0].id == "apart"
event = Event(id="e1", recommendation_id=UUID(str(answer.recommendation_id)), kind=Happened.CLICK, item=answer.items[0].id)
assert record_events.sync(us, client=client, body=Events(events=[event])).accepted == 1

problem = get_bought_together.sync("nowhere", bananas, client=client)
assert isinstance(problem, Problem) and problem.status == 404 and problem.field == "market"
problem = get_bought_together.sync(us, bananas, client=client, limit=1000)
assert isinstance(problem, Problem) and problem.status == 422 and problem.field == "limit"
print("the client in Python asked everything")
