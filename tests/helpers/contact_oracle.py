"""The rules of a contact policy, counted one by one in plain Python."""

DAY_S = 86_400


def scopes(rules, per, action, channel):
    """What a contact or an action belongs to."""
    if per == "customer":
        return {"everything"}
    if per == "channel":
        return {channel} - {None}
    if per == "action":
        return {action} - {None}
    return {name for name, actions in rules.get("groups", {}).items() if action in actions}


def first_block(rules, names, target, past, as_of):
    """Name the first rule that forbids an action to one customer.

    `past` is a dict of lists: contacts (action, channel, sent), orders (time), responses (action or None,
    time), complaints (time).
    """
    checks = [(_window, one) for one in rules.get("windows", [])]
    checks += [(_cool_down, one) for one in rules.get("cool_downs", [])]
    checks += [(_exclusive, one) for one in rules.get("exclusive", [])]
    checks += [(_never_after, one) for one in rules.get("never_after", [])]
    for (check, rule), name in zip(checks, names, strict=True):
        if check(rules, rule, target, past, as_of):
            return name
    return None


def _within(sent, as_of, days):
    return sent > as_of - days * DAY_S


def _window(rules, rule, target, past, as_of):
    per = rule.get("per", "customer")
    for scope in scopes(rules, per, target.action_id, target.channel):
        if rule.get("of") in (None, scope):
            held = [
                sent
                for action, channel, sent in past["contacts"]
                if scope in scopes(rules, per, action, channel) and _within(sent, as_of, rule["days"])
            ]
            if len(held) >= rule["at_most"]:
                return True
    return False


def _exclusive(_, rule, target, past, as_of):
    others = set(rule["actions"]) - {target.action_id}
    if len(others) == len(set(rule["actions"])):
        return False
    return any(
        action in others and _within(sent, as_of, rule["days"]) for action, _, sent in past["contacts"]
    )


def _never_after(_, rule, target, past, as_of):
    days = rule.get("days")
    return target.action_id == rule["action"] and any(
        action == rule["after"] and (days is None or _within(sent, as_of, days))
        for action, _, sent in past["contacts"]
    )


def _cool_down(rules, rule, target, past, as_of):
    per = rule.get("per", "customer")
    blocks = rule.get("blocks") or per
    every = {
        scope for action, channel, _ in past["contacts"] for scope in scopes(rules, per, action, channel)
    }
    if per == "customer":
        every = {"everything"}
    for scope in sorted(every):
        if rule.get("of") not in (None, scope):
            continue
        touches = [one for one in past["contacts"] if scope in scopes(rules, per, one[0], one[1])]
        holds, on = _holds(rule, touches, past, as_of)
        if not holds:
            continue
        mine = scopes(rules, blocks, target.action_id, target.channel)
        if blocks == per:
            if scope in mine:
                return True
        elif blocks == "customer" or any(mine & scopes(rules, blocks, one[0], one[1]) for one in on):
            return True
    return False


def _holds(rule, touches, past, as_of):
    """Say whether the cool-down of a scope holds, and on which of its touches that rests."""
    within, times = rule.get("within_days", 7) * DAY_S, rule.get("times", 1)
    if rule["after"] == "ignored":
        return _ignored(rule, touches, past, as_of)
    happened = {
        "bought": [(None, at) for at in past["orders"]],
        "responded": past["responses"],
        "complained": [(None, at) for at in past["complaints"]],
    }[rule["after"]]
    count, rests_on = 0, []
    for answers, at in happened:
        before = [
            one
            for one in touches
            if one[2] <= at < one[2] + within and (answers is None or one[0] in (None, answers))
        ]
        if not _within(at, as_of, rule["days"]):
            continue
        alone = rule["after"] == "complained" and rule.get("per", "customer") == "customer"
        if before or alone:
            count += 1
            rests_on += [one for one in before if one[2] == max(sent for _, _, sent in before)]
    return count >= times, rests_on


def _ignored(rule, touches, past, as_of):
    within, times = rule.get("within_days", 7) * DAY_S, rule.get("times", 1)

    def answered(touch):
        action, _, sent = touch
        bought = any(sent <= at < sent + within for at in past["orders"])
        return bought or any(
            sent <= at < sent + within and (answers is None or action in (None, answers))
            for answers, at in past["responses"]
        )

    moments = sorted({one[2] for one in touches}, reverse=True)
    decided = []  # newest first: (sent, ignored)
    for moment in moments:
        same = [one for one in touches if one[2] == moment]
        if any(answered(one) for one in same):
            decided.append((moment, False))
        elif moment + within <= as_of:
            decided.append((moment, True))
    last = decided[:times]
    if len(last) < times or not all(ignored for _, ignored in last):
        return False, []
    held = last[0][0] + within > as_of - rule["days"] * DAY_S
    return held, [one for one in touches if one[2] in {moment for moment, _ in last}]
