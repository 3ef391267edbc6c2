"""What messages say, and the pages on which they are chosen. A parcel's own sentence is the page's (`doorstep.wording`)."""

from msgspec import Struct

from .i18n import N_
from .message import Kind


class Words(Struct, frozen=True):
    """`subject` is the message in a line; `detail` what follows it, empty where the parcel's own sentence says it; `button`
    leads to the order's page."""

    subject: str
    detail: str = ""
    button: str = N_("See your order")


LETTERS: dict[Kind, Words] = {
    Kind.ON_ITS_WAY: Words(N_("Your parcel is on its way")),
    Kind.ARRIVES_TODAY: Words(N_("Your parcel arrives today")),
    Kind.READY_FOR_PICKUP: Words(N_("Your parcel is ready for pickup")),
    Kind.PICKUP_REMINDER: Words(
        N_("Your parcel is still waiting for you"), N_("Please pick it up soon, before it goes back to the shop.")
    ),
    Kind.DELIVERED: Words(N_("Your parcel has arrived")),
    Kind.ATTEMPTED: Words(N_("The carrier could not deliver your parcel")),
    Kind.DELAYED: Words(
        N_("Your parcel will be later than planned"), N_("We will tell you as soon as there is a new date.")
    ),
    Kind.NEEDS_ACTION: Words(N_("Your parcel needs something from you"), "", N_("See what to do")),
    Kind.RETURNED: Words(N_("Your parcel is on its way back to the shop")),
    Kind.SURVEY: Words(
        N_("How did we do?"),
        N_("Your order has arrived. A few questions, one minute: your answers help us to do better."),
        N_("Answer now"),
    ),
    Kind.HOW_TO: Words(
        N_("Good to know: %(product)s"),
        N_("Here is how to use it, and how it stays good for long."),
        N_("Show me how"),
    ),
    Kind.REPLENISH: Words(
        N_("Running low? %(product)s"),
        N_("By now it may be used up. If you like, order it again in a minute."),
        N_("Order again"),
    ),
    Kind.WARRANTY: Words(
        N_("Your warranty ends soon: %(product)s"),
        N_("Last day of the warranty: %(day)s. If anything is wrong with it, please tell us before then."),
        N_("Contact the shop"),
    ),
    Kind.THANKS: Words(
        N_("Thank you for ordering from us"),
        N_("Some time has passed since your last order. There is something for your next one on your page."),
        N_("Have a look"),
    ),
    Kind.CONFIRM: Words(
        N_("Please confirm that you want our messages"),
        N_("Somebody asked for messages from %(shop)s at this address, and we hope it was you. They begin when you confirm it. If it was not you, do nothing: nothing more will come."),
        N_("Yes, send me messages"),
    ),
}  # fmt: skip

SEVERAL = N_("News of your order")  # the subject where several things changed
PICKUP_UNTIL = N_("Please pick it up by %(day)s. After that it goes back to the shop.")
NEW_DATE = N_("The carrier now expects it on %(day)s. We are sorry about that.")
IN_THE_PARCEL = N_("In this parcel")
BECAUSE_ORDERED = N_("You get this message because you ordered from %(shop)s.")
BECAUSE_ASKED = N_("You get this message because you asked %(shop)s for it.")
CHOOSE = N_("Choose which messages you get")
UNSUBSCRIBE = N_("No more messages like this")

# The page on which messages are chosen, and what the form on the order's page says.
TITLE = N_("Messages about your order")
QUESTION = N_("What shall we tell you?")
TOPIC_ORDER = N_("What happens to my order")
TOPIC_MORE = N_("Also surveys, tips for what I bought, reminders and offers")
BY_EMAIL = N_("By email")
BY_PHONE = N_("By text message")
BY_PUSH = N_("In this browser")
SAVE = N_("Save")
SAVED = N_("Saved. We will keep to it.")
STOP_ALL = N_("Stop all messages")
STOPPED = N_("You will get no more messages like this.")
MISTAKEN = N_("If that was a mistake, you can turn them on again here.")
TELL_ME = N_("Tell me when something happens")
TELL = N_("Tell me")
EMAIL = N_("Email address")
ASKED = N_("We have sent you a message. Please confirm in it that the address is yours.")
CONFIRM = N_("Please confirm that this address is yours and that you want our messages.")
CONFIRMED = N_("Thank you. You will hear from us when there is something to say.")
TOLD = N_("You are told about this order.")
WHOLE_ADDRESS = N_("Please write the whole email address, such as name@shop.example.")
WHOLE_NUMBER = N_("Please write the number with the code of the country, such as +33.")
NO_LONGER = N_("This link does not work any more")
ASK_AGAIN = N_("Please open the page of your order and ask for messages there.")

# The shop's report.
SENT = N_("Messages sent")
BOUNCED = N_("Not reached")
REACHED = N_("Reached")
OPENED = N_("Messages opened")
VISITS = N_("Visits for each parcel")
