"""A file of decisions is taken whole or not at all, and says what is wrong with it."""

from lib.identity.decisions import Decision, disputes, groups, read, strangers, violated

HEAD = "left,right,decision,by,note"


def mistakes(*lines: str) -> list[str]:
    return read([HEAD, *lines], "d.csv")[1]


def test_a_row_is_a_decision_of_a_pair_in_whatever_order_and_one_without_a_word_is_none() -> None:
    found, wrong = read([HEAD, "pos:C1,crm:P1,Same,Ada,she told me", "pos:C2,pos:C3,,,"], "d.csv")
    assert found == [Decision("crm:P1", "pos:C1", "same", "Ada", "she told me", "d.csv:2")]
    assert wrong == []


def test_columns_that_are_not_asked_for_are_not_looked_at_and_missing_ones_are_named() -> None:
    found, wrong = read([f"{HEAD},why", "pos:C1,pos:C2,different,,,the model is not sure"], "d.csv")
    assert ([each.decision for each in found], wrong) == (["different"], [])
    assert read(["left,right,by"], "d.csv")[1] == [
        "d.csv:1: there is no column decision, note: expected left,right,decision,by,note"
    ]


def test_another_word_a_record_with_itself_and_a_pair_decided_twice_are_told_with_their_lines() -> None:
    wrong = mistakes("a,b,perhaps,,", "a,a,same,,", "c,d,same,,", "d,c,same,,", "d,c,different,,")
    assert wrong == [
        "d.csv:2: decision 'perhaps' is neither same nor different: write one, or nothing",
        "d.csv:3: 'a' is compared with itself: a decision is of two records",
        "d.csv:6: 'c' and 'd' are different, but same in d.csv:4: leave one of the two",
    ]


def test_a_record_that_nobody_knows_is_told() -> None:
    given = read([HEAD, "pos:C1,pos:C9,same,,"], "d.csv")[0]
    assert strangers(given, {"pos:C1"}) == [
        "d.csv:2: there is no record 'pos:C9': expected source:key of a record of silver.identity_records"
    ]


def test_what_decisions_make_one_person_no_decision_can_part() -> None:
    same = [Decision("a", "b", "same"), Decision("b", "c", "same")]
    assert groups([*same, Decision("x", "y", "different")]) == {"a": "a", "b": "a", "c": "a", "x": "x", "y": "y"}
    assert disputes([*same, Decision("a", "x", "different")]) == []
    [wrong] = disputes([*same, Decision("a", "c", "different", place="d.csv:7")])
    assert wrong.startswith("d.csv:7: 'a' and 'c' are different, but other decisions lead from one to the other")


def test_a_decision_is_violated_while_the_ids_say_something_else() -> None:
    same, different = Decision("a", "b", "same"), Decision("a", "c", "different")
    assert violated([same, different], {"a": "K1", "b": "K1", "c": "K2"}) == []
    assert violated([same, different], {"a": "K1", "b": "K2", "c": "K1"}) == [same, different]
