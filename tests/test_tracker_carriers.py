"""Which carriers are asked about a number: the clear winner alone, equals together, and the one that had it before."""

import asyncio

import pytest
from msgspec import structs

from doorstep import CarrierUnavailable, Found, NotFound
from doorstep.config import Store
from doorstep.lookup import Outcome

from .acme import parcel
from .tracking import NUMBER, Rig

pytestmark = pytest.mark.anyio

DAY = 86400
YES = Found((parcel(NUMBER),))
NO = NotFound()
DOWN = CarrierUnavailable("down", retry_after=90)


@pytest.fixture
async def carriers(clock):
    """`carriers({"acme": (80, answer), …})`: a rig whose carriers have these ranks and give these answers."""
    rigs = []

    def make(described):
        rig = Rig(clock, **{slug: rank for slug, (rank, _) in described.items()})
        rig.fetcher.answers = {slug: answer for slug, (_, answer) in described.items()}
        rigs.append(rig)
        return rig

    yield make
    for rig in rigs:
        await rig.tracker.close()


async def test_a_clear_winner_is_asked_alone(carriers):
    rig = carriers({"acme": (90, YES), "zeta": (40, YES)})
    lookup = await rig.look_up()
    assert (lookup.outcome, lookup.carriers, rig.fetcher.names) == (Outcome.FOUND, ("acme",), ["acme"])


async def test_the_next_carrier_is_asked_when_the_winner_says_no(carriers):
    rig = carriers({"acme": (90, NO), "zeta": (40, YES)})
    lookup = await rig.look_up()
    assert (lookup.outcome, lookup.carriers) == (Outcome.FOUND, ("zeta",))
    assert rig.fetcher.names == ["acme", "zeta"]


async def test_a_worse_carrier_does_not_answer_for_a_better_one_that_is_down(carriers):
    rig = carriers({"acme": (90, DOWN), "zeta": (40, YES)})
    lookup = await rig.look_up()
    assert (lookup.outcome, lookup.retry_after, rig.fetcher.names) == (Outcome.UNAVAILABLE, 90, ["acme"])


async def test_equals_are_both_asked_and_two_hits_are_for_the_reader_to_choose(carriers):
    rig = carriers({"acme": (60, YES), "zeta": (58, YES)})
    lookup = await rig.look_up()
    assert (lookup.outcome, lookup.carriers) == (Outcome.CHOOSE, ("acme", "zeta"))
    assert [shipment.carrier for shipment in lookup.shipments] == ["", ""]
    assert len({shipment.id for shipment in lookup.shipments}) == 2


@pytest.mark.parametrize(("answers", "hit"), [((YES, NO), "acme"), ((NO, YES), "zeta")])
async def test_of_equals_the_one_that_knows_the_number_is_the_answer(carriers, answers, hit):
    rig = carriers({"acme": (60, answers[0]), "zeta": (60, answers[1])})
    lookup = await rig.look_up()
    assert (lookup.outcome, lookup.carriers) == (Outcome.FOUND, (hit,))
    assert sorted(rig.fetcher.names) == ["acme", "zeta"]


@pytest.mark.fault(24)
async def test_a_hit_of_one_equal_stands_though_the_other_is_down(carriers):
    rig = carriers({"acme": (60, DOWN), "zeta": (60, YES)})
    assert (await rig.look_up()).outcome is Outcome.FOUND


async def test_equals_of_whom_one_is_down_and_one_says_no_are_not_not_found(carriers):
    rig = carriers({"acme": (60, DOWN), "zeta": (60, NO)})
    assert (await rig.look_up()).outcome is Outcome.UNAVAILABLE


async def test_the_shopper_chooses_by_naming_the_carrier(carriers):
    rig = carriers({"acme": (60, YES), "zeta": (60, YES)})
    lookup = await rig.look_up(carrier="zeta")
    assert (lookup.outcome, lookup.carriers, rig.fetcher.names) == (Outcome.FOUND, ("zeta",), ["zeta"])


@pytest.mark.parametrize("named", ["nobody", "", "../acme", "ACME"])
async def test_a_name_that_is_no_carrier_changes_nothing(carriers, named):
    rig = carriers({"acme": (90, YES), "zeta": (40, YES)})
    assert (await rig.look_up(carrier=named)).carriers == ("acme",)


async def test_the_carrier_that_had_the_number_is_asked_first_and_alone_next_time(carriers, clock):
    rig = carriers({"acme": (90, NO), "zeta": (40, YES)})
    await rig.look_up()
    rig.fetcher.asked.clear()
    clock.advance(DAY)
    await rig.look_up()
    await rig.landed()
    assert rig.fetcher.names == ["zeta"]


async def test_of_two_equals_only_the_confirmed_one_is_asked_again(carriers, clock):
    rig = carriers({"acme": (60, NO), "zeta": (60, YES)})
    await rig.look_up()
    rig.fetcher.asked.clear()
    clock.advance(DAY)
    await rig.look_up()
    await rig.landed()
    assert rig.fetcher.names == ["zeta"]


async def test_two_hits_are_not_remembered_as_one(carriers, clock):
    rig = carriers({"acme": (60, YES), "zeta": (60, YES)})
    await rig.look_up()
    clock.advance(DAY)
    assert (await rig.look_up()).outcome is Outcome.CHOOSE


async def test_one_shoppers_choice_is_not_the_next_ones(carriers):
    rig = carriers({"acme": (60, YES), "zeta": (60, YES)})
    assert (await rig.look_up(carrier="zeta")).carriers == ("zeta",)
    assert (await rig.look_up()).outcome is Outcome.CHOOSE


async def test_a_hit_is_not_remembered_while_an_equal_could_not_be_asked(carriers, clock):
    rig = carriers({"acme": (60, DOWN), "zeta": (60, YES)})
    assert (await rig.look_up()).outcome is Outcome.FOUND
    rig.fetcher.answers["acme"] = YES
    clock.advance(DAY)
    await rig.look_up()
    await rig.landed()
    assert (await rig.look_up()).outcome is Outcome.CHOOSE


async def test_when_nobody_knows_the_number_all_were_asked(carriers):
    rig = carriers({"acme": (90, NO), "zeta": (40, NO)})
    for _ in range(2):  # asked, and as it is kept
        lookup = await rig.look_up()
        assert (lookup.outcome, lookup.carriers) == (Outcome.NOT_FOUND, ("acme", "zeta"))
    assert len(rig.fetcher.asked) == 2


async def test_four_carriers_are_asked_at_most(carriers):
    rig = carriers({f"carrier{n}": (60, NO) for n in range(7)})
    for _ in range(2):
        lookup = await rig.look_up()
        assert (lookup.outcome, len(lookup.carriers), len(rig.fetcher.asked)) == (Outcome.NOT_FOUND, 4, 4)


async def test_a_slow_carrier_does_not_keep_its_equal_from_being_asked(carriers):
    rig = carriers({"acme": (60, YES), "zeta": (60, YES)})
    rig.fetcher.gate.clear()
    assert (await rig.look_up(wait=0.02)).outcome is Outcome.WAITING
    await asyncio.sleep(0)
    assert sorted(rig.fetcher.names) == ["acme", "zeta"]
    rig.fetcher.gate.set()
    await rig.landed()
    assert (await rig.look_up()).outcome is Outcome.CHOOSE
    assert len(rig.fetcher.asked) == 2


async def test_a_carrier_without_an_api_is_known_by_its_link(carriers):
    rig = carriers({"evri": (0, None)})
    lookup = await rig.look_up()
    assert (lookup.outcome, lookup.carriers, rig.fetcher.asked) == (Outcome.LINK_ONLY, ("evri",), [])


async def test_a_number_of_no_known_form_is_not_asked_anywhere(carriers):
    rig = carriers({"acme": (90, YES)})
    lookup = await rig.look_up("ABC1234")
    assert (lookup.outcome, lookup.carriers, rig.fetcher.asked) == (Outcome.UNRECOGNISED, (), [])


async def test_a_carrier_named_in_the_address_is_asked_even_for_a_form_it_does_not_list(carriers):
    rig = carriers({"acme": (90, YES)})
    assert (await rig.look_up("ABC1234", carrier="acme")).outcome is Outcome.FOUND


async def test_a_store_asks_with_its_own_accounts_only(carriers):
    rig = carriers({"acme": (90, YES), "zeta": (40, YES)})
    lookup = await rig.look_up(store=Store(name="Small", carriers=("zeta",)))
    assert (lookup.outcome, lookup.carriers, rig.fetcher.names) == (Outcome.FOUND, ("zeta",), ["zeta"])
    named = await rig.look_up(store=Store(name="Small", carriers=("zeta",)), carrier="acme")
    assert (named.outcome, rig.fetcher.names) == (Outcome.LINK_ONLY, ["zeta"])


async def test_two_numbers_and_two_stores_languages_never_share_an_answer(carriers):
    rig = carriers({"acme": (90, lambda query: Found((parcel(query.number, service=query.language),)))})
    one = await rig.look_up("111111111")
    two = await rig.look_up("222222222")
    three = await rig.look_up("111111111", store=Store(name="Laden", language="de"))
    assert [lookup.shipments[0].number for lookup in (one, two, three)] == ["111111111", "222222222", "111111111"]
    assert [lookup.shipments[0].service for lookup in (one, two, three)] == ["en", "en", "de"]


# Aggregators: they know every carrier's numbers, and are paid by the number.


async def test_an_aggregator_is_asked_where_no_carrier_itself_can_be(carriers):
    rig = carriers({"acme": (0, None)})
    rig.aggregator("many")
    rig.fetcher.answers["many"] = YES
    lookup = await rig.look_up()
    assert (lookup.outcome, lookup.carriers, rig.fetcher.names) == (Outcome.FOUND, ("many",), ["many"])


async def test_an_aggregator_is_asked_for_a_number_of_no_known_form(carriers):
    rig = carriers({"acme": (80, YES)})
    rig.aggregator("many")
    rig.fetcher.answers["many"] = Found((parcel("XYZ1"),))
    assert (await rig.look_up("XYZ1")).outcome is Outcome.FOUND


async def test_an_aggregator_is_not_asked_beside_a_carrier_that_can_be(carriers):
    rig = carriers({"acme": (20, NO)})
    rig.aggregator("many")
    rig.fetcher.answers["many"] = YES
    assert (await rig.look_up()).outcome is Outcome.NOT_FOUND
    assert rig.fetcher.names == ["acme"]


async def test_a_number_that_the_aggregator_does_not_know_still_has_its_carrier_s_link(carriers):
    rig = carriers({"acme": (0, None)})
    rig.aggregator("many")
    rig.fetcher.answers["many"] = NO
    lookup = await rig.look_up()
    assert (lookup.outcome, lookup.carriers) == (Outcome.LINK_ONLY, ("acme",))


async def test_a_number_of_no_known_form_that_the_aggregator_does_not_know_is_unrecognised(carriers):
    rig = carriers({"acme": (80, YES)})
    rig.aggregator("many")
    rig.fetcher.answers["many"] = NO
    assert (await rig.look_up("XYZ1")).outcome is Outcome.UNRECOGNISED


async def test_of_several_aggregators_the_next_is_asked_where_the_one_before_knows_nothing(carriers):
    rig = carriers({"acme": (0, None)})
    for slug in ("one", "two", "three"):
        rig.aggregator(slug)
    rig.fetcher.answers |= {"one": NO, "two": YES, "three": YES}
    assert (await rig.look_up()).carriers == ("two",)
    assert rig.fetcher.names == ["one", "two"], "each is paid by the number"


async def test_an_aggregator_that_had_the_number_is_asked_before_the_others(carriers):
    rig = carriers({"acme": (0, None)})
    rig.aggregator("one")
    rig.aggregator("two")
    rig.fetcher.answers |= {"one": NO, "two": YES}
    await rig.look_up()
    rig.clock.advance(DAY)
    rig.fetcher.asked.clear()
    await rig.look_up()
    await rig.landed()
    assert rig.fetcher.names == ["two"]


async def test_a_store_that_names_its_accounts_says_which_aggregator_is_first(carriers):
    rig = carriers({"acme": (0, None)})
    for slug in ("one", "two", "three"):
        rig.aggregator(slug)
        rig.fetcher.answers[slug] = NO
    await rig.look_up(store=Store(name="Laden", carriers=("three", "one")))
    assert rig.fetcher.names == ["three", "one"]


async def test_an_account_without_a_share_for_strangers_is_not_asked_for_them(carriers):
    rig = carriers({"acme": (0, None)})
    rig.aggregator("many", strangers=0)
    rig.fetcher.answers["many"] = YES
    assert (await rig.look_up()).outcome is Outcome.LINK_ONLY
    assert (await rig.look_up(carrier="many")).outcome is Outcome.LINK_ONLY
    assert rig.fetcher.names == []
    assert (await rig.look_up(stranger=False)).outcome is Outcome.FOUND
    assert rig.fetcher.strangers == [False]


async def test_two_parcels_of_one_day_under_one_number_have_two_ids(carriers):
    rig = carriers({"acme": (80, Found((parcel(NUMBER), parcel(NUMBER))))})
    first = await rig.look_up()
    assert len({shipment.id for shipment in first.shipments}) == 2
    rig.clock.advance(DAY)
    again = await rig.look_up()
    await rig.landed()
    assert [one.id for one in again.shipments] == [one.id for one in first.shipments]


@pytest.fixture
def apis(carriers):
    """`apis(whole=answer, part=answer)`: the two APIs of one carrier, of which an answer of None has no account."""

    def make(**answers):
        rig = carriers({slug: (80 if answer else 0, answer) for slug, answer in answers.items()})
        whole = rig.plugins.manifests["whole"]
        rig.plugins.manifests["part"] = structs.replace(
            rig.plugins.manifests["part"], part_of="whole", formats=(structs.replace(whole.formats[0], rank=80),)
        )
        rig.plugins.manifests["whole"] = structs.replace(whole, formats=rig.plugins.manifests["part"].formats)
        for slug, account in rig.plugins.accounts.items():
            account.carrier.manifest = rig.plugins.manifests[slug]
        rig.tracker = rig._new_tracker()
        return rig

    return make


@pytest.mark.parametrize(
    ("whole", "part", "asked", "found"),
    [
        (YES, YES, ["part"], "part"),
        (YES, NO, ["part", "whole"], "whole"),
        (YES, DOWN, ["part", "whole"], "whole"),
        (YES, None, ["whole"], "whole"),
        (None, YES, ["part"], "part"),
    ],
)
async def test_of_two_apis_of_a_carrier_nobody_has_to_choose(apis, whole, part, asked, found):
    rig = apis(whole=whole, part=part)
    lookup = await rig.look_up()
    assert (lookup.outcome, lookup.carriers, rig.fetcher.names) == (Outcome.FOUND, (found,), asked)


@pytest.mark.parametrize(("named", "asked"), [("whole", "whole"), ("part", "part")])
async def test_either_api_is_asked_by_its_own_name(apis, named, asked):
    rig = apis(whole=YES, part=YES)
    assert (await rig.look_up(carrier=named)).carriers == (asked,)


async def test_the_api_that_had_the_number_is_asked_first_next_time(apis, clock):
    rig = apis(whole=YES, part=NO)
    await rig.look_up()
    rig.fetcher.asked.clear()
    clock.advance(DAY)
    await rig.look_up()
    await rig.landed()
    assert rig.fetcher.names == ["whole"]


async def test_without_an_account_one_page_of_the_carrier_is_linked(apis):
    lookup = await apis(whole=None, part=None).look_up()
    assert (lookup.outcome, lookup.carriers) == (Outcome.LINK_ONLY, ("whole",))


async def test_an_api_that_is_down_is_not_not_found_because_the_other_says_no(apis):
    rig = apis(whole=NO, part=DOWN)
    assert ((await rig.look_up()).outcome, rig.fetcher.names) == (Outcome.UNAVAILABLE, ["part", "whole"])
