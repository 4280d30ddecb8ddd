package display

import "strings"

// words are one language's texts. A text with %s takes what its name says.
type words struct {
	tag string // the IETF tag that money is spelled in

	// Per kind.
	idleTitle, idleStep1, idleStep2, idleStep3, idleHint string
	firstTitle, firstLine, firstHint                     string // idle where a product is chosen first
	confirmTitle, confirmLine, confirmAmount             string
	scanTitle, scanTitleAmount, scanLine, stickerLine    string
	chooseTitle, chooseCredit, chooseSoFar, chooseHint   string
	askingTitle, askingLine, askingHint                  string
	dispensingTitle, dispensingProduct, dispensingLine   string
	settlingTitle, settlingLine                          string
	doneTitle, doneAmount, doneReference                 string
	nothingTitle, refundedTitle, refundedAmount          string
	refundedLine                                         string
	outTitle, outSoonTitle, outHint                      string
	doubtTitle                                           string

	// On several kinds.
	cancelHint, remaining, support, supportCode, code, test string
	soldOut, closed, unavailable, more, tooSmall            string // tooSmall takes columns and rows (%d)
	phases                                                  [4]string

	why           map[string]string // a reason's machine word to a sentence
	whyGeneral    string
	notice        map[string]string
	noticeGeneral string
	typed         string // takes what was typed
}

// wordsOf gives the words of an IETF tag's language: Swedish for "sv" and "sv-…", otherwise English.
func wordsOf(language string) *words {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	if base == "sv" {
		return &swedish
	}
	return &english
}

// helpless are the reasons for which nothing failed that support could help with: the customer's own choice or absence, and
// the operator's or the machine's ordinary ways. Every other reason, an unknown one included, shows the support line.
var helpless = map[string]bool{
	"cancelled_by_customer": true, "cancelled_on_phone": true, "pin_timeout": true, "nothing_chosen": true, "walked_away": true,
	"starting": true, "maintenance": true, "technician": true, "door": true, "sold_out": true, "stopping": true,
}

// soon are the reasons for being out of service that end by themselves within moments.
var soon = map[string]bool{"starting": true, "resolving": true}

var english = words{
	tag:       "en",
	idleTitle: "Scan to start", idleStep1: "1. Scan the code with the Glase app", idleStep2: "2. Confirm with your PIN",
	idleStep3: "3. Choose your products here", idleHint: "You pay only for what comes out.",
	firstTitle: "Choose a product", firstLine: "Press its button on the machine.", firstHint: "You pay with the Glase app.",
	confirmTitle: "Confirm on your phone", confirmLine: "Check the amount in the Glase app and enter your PIN.",
	confirmAmount: "Up to %s is reserved. You pay only for what comes out.",
	scanTitle:     "Scan to pay", scanTitleAmount: "Scan to pay %s", scanLine: "Scan the code with the Glase app and enter your PIN.",
	stickerLine: "Scan the sticker on the machine with the Glase app and enter your PIN.",
	chooseTitle: "Choose a product", chooseCredit: "You can choose for up to %s.", chooseSoFar: "So far you pay %s.",
	chooseHint:  "Finished? Press Cancel: you pay only for what came out.",
	askingTitle: "Not paid yet. Try again?", askingLine: "We have not received your payment.",
	askingHint:      "Press Try again for more time, or Cancel.",
	dispensingTitle: "Here comes your product", dispensingProduct: "Here comes %s", dispensingLine: "Please wait until it has come out.",
	settlingTitle: "One moment, please", settlingLine: "We are finishing your purchase.",
	doneTitle: "Thank you!", doneAmount: "You paid %s.", doneReference: "Reference: %s",
	nothingTitle: "Nothing was charged", refundedTitle: "You get your money back", refundedAmount: "You get %s back",
	refundedLine: "It goes back to where you paid from.",
	outTitle:     "Out of service", outSoonTitle: "One moment, please", outHint: "Nothing can be bought just now.",
	doubtTitle: "Your payment is being checked",

	cancelHint: "Changed your mind? Press Cancel.", remaining: "Time left: %s",
	support: "Help: %s", supportCode: "Help: %s. Say the code %s.", code: "Code: %s", test: "TEST",
	soldOut: "sold out", closed: "closed", unavailable: "unavailable", more: "and %d more",
	tooSmall: "Please make the window larger: at least %d columns and %d rows.",
	phases:   [4]string{"idle", "reserved", "dispensing", "commit"},

	why: map[string]string{
		"cancelled_by_customer": "You cancelled.",
		"cancelled_on_phone":    "The payment was cancelled on the phone.",
		"pin_timeout":           "The PIN was not entered in time.",
		"nothing_chosen":        "No product was chosen in time.",
		"walked_away":           "Nobody answered any more, so the purchase was ended.",
		"jam":                   "The product got stuck.",
		"empty":                 "The slot was empty.",
		"no_motor":              "The product got stuck.",
		"home_fault":            "A sensor in the machine did not work.",
		"not_opened":            "The door was not opened in time.",
		"stands_open":           "The door stood open already.",
		"unknown":               "We could not see the product come out.",
		"stopped":               "The machine was stopped.",
		"stuck_sensor":          "A sensor in the machine did not work.",
		"no_board":              "A part of the machine did not answer.",
		"refused":               "A part of the machine did not work.",
		"ended":                 "The product did not come out.",
		"motor_fault":           "A part of the machine did not work.",
		"left_open":             "Please close the door.",
		"relay_fault":           "The machine could not start its motor.",
		"not_delivered":         "The product did not come out.",
		"door_open":             "The machine's door was open.",
		"sensor_fault":          "The machine could not see whether the product came out.",
		"machine_failed":        "The machine could not deliver the product.",
		"reset":                 "The machine started anew in the middle of your purchase.",
		"no_answer":             "The machine did not say whether your product came out.",
		"unplugged":             "The machine could not be reached in the middle of your purchase.",
		"timeout":               "The machine took too long.",
		"restarted":             "The machine was started anew in the middle of your purchase.",
		"overcharged":           "Too much was charged, and the difference went back to you.",
		"reservation_expired":   "The time for the purchase ran out.",
		"payment_failed":        "The payment did not go through.",
		"glase_unreachable":     "The payment service could not be reached.",
		"invoicing_failed":      "The payment could not be started.",
		"in_doubt":              "We do not know yet how it ended. It will be sorted out.",

		"starting":       "The machine is starting.",
		"resolving":      "An earlier purchase is being finished.",
		"maintenance":    "The machine is being serviced.",
		"technician":     "A technician is working on the machine.",
		"door":           "The machine's door is open.",
		"journal":        "The machine cannot record purchases.",
		"display":        "The display does not work as it should.",
		"hardware":       "A part of the machine does not work.",
		"mdb":            "The machine is not ready to sell.",
		"tilt":           "The machine is being shaken.",
		"board":          "A part of the machine does not answer.",
		"lock_board":     "A part of the machine does not answer.",
		"cloned_card":    "The machine must be set up anew.",
		"sold_out":       "Everything is sold out.",
		"too_warm":       "What is left was not kept cold enough.",
		"stopping":       "The machine is shutting down.",
		"charge_refused": "A payment could not be completed.",
		"foreign_cancel": "The machine's payments need to be checked.",
		"journal_lost":   "The machine's records need to be checked.",
	},
	whyGeneral: "Something went wrong.",
	notice: map[string]string{
		"too_late":      "There is too little time left for that.",
		"too_expensive": "That costs more than you have left. Please choose another.",
		"sold_out":      "That one is sold out. Please choose another.",
		"closed":        "That one is closed. Please choose another.",
		"too_warm":      "That one was not kept cold enough. Please choose another.",
		"jam":           "It got stuck. You do not pay for it. Please choose another.",
		"empty":         "It was empty. You do not pay for it. Please choose another.",
		"no_motor":      "It got stuck. You do not pay for it. Please choose another.",
		"not_opened":    "The door was not opened. You do not pay for it. Please choose another.",
		"stands_open":   "Its door stands open. You do not pay for it. Please choose another.",
		"not_delivered": "It did not come out. You do not pay for it. Please choose another.",
		"unknown":       "We could not see it come out. You can choose another.",
		"unknown_code":  "There is no such product. Please choose another.",

		"stopped":        "It was stopped. You do not pay for it. Please choose again.",
		"machine_failed": "It did not come out. You do not pay for it. Please choose another.",
		"refused":        "The machine did not take it. You do not pay for it. Please choose again.",
		"reset":          "It is charged, since it may have come out. Call us if it did not.",
		"no_answer":      "It is charged, since it may have come out. Call us if it did not.",
		"unplugged":      "It is charged, since it may have come out. Call us if it did not.",
	},
	noticeGeneral: "That did not work. Please try another.",
	typed:         "Your choice: %s",
}

var swedish = words{
	tag:       "sv",
	idleTitle: "Skanna för att börja", idleStep1: "1. Skanna koden med Glase-appen", idleStep2: "2. Godkänn med din PIN-kod",
	idleStep3: "3. Välj dina varor här", idleHint: "Du betalar bara för det du får.",
	firstTitle: "Välj en vara", firstLine: "Tryck på varans knapp på automaten.", firstHint: "Du betalar med Glase-appen.",
	confirmTitle: "Godkänn i telefonen", confirmLine: "Kontrollera beloppet i Glase-appen och ange din PIN-kod.",
	confirmAmount: "Högst %s reserveras. Du betalar bara för det du får.",
	scanTitle:     "Skanna och betala", scanTitleAmount: "Skanna och betala %s", scanLine: "Skanna koden med Glase-appen och ange din PIN-kod.",
	stickerLine: "Skanna klistermärket på automaten med Glase-appen och ange din PIN-kod.",
	chooseTitle: "Välj en vara", chooseCredit: "Du kan välja för högst %s.", chooseSoFar: "Hittills betalar du %s.",
	chooseHint:  "Klar? Tryck Avbryt: du betalar bara för det som kom ut.",
	askingTitle: "Inte betalt än. Försöka igen?", askingLine: "Vi har inte fått din betalning.",
	askingHint:      "Tryck Försök igen för mer tid, eller Avbryt.",
	dispensingTitle: "Här kommer din vara", dispensingProduct: "Här kommer %s", dispensingLine: "Vänta tills den har kommit ut.",
	settlingTitle: "Ett ögonblick", settlingLine: "Vi avslutar ditt köp.",
	doneTitle: "Tack!", doneAmount: "Du betalade %s.", doneReference: "Referens: %s",
	nothingTitle: "Inget har debiterats", refundedTitle: "Du får pengarna tillbaka", refundedAmount: "Du får tillbaka %s",
	refundedLine: "Pengarna går tillbaka dit du betalade ifrån.",
	outTitle:     "Ur funktion", outSoonTitle: "Ett ögonblick", outHint: "Just nu går det inte att köpa något.",
	doubtTitle: "Din betalning kontrolleras",

	cancelHint: "Ångrat dig? Tryck Avbryt.", remaining: "Tid kvar: %s",
	support: "Hjälp: %s", supportCode: "Hjälp: %s. Uppge koden %s.", code: "Kod: %s", test: "TEST",
	soldOut: "slutsåld", closed: "stängd", unavailable: "finns ej", more: "och %d till",
	tooSmall: "Gör fönstret större: minst %d kolumner och %d rader.",
	phases:   [4]string{"ledig", "reserverad", "matar ut", "avslutar"},

	why: map[string]string{
		"cancelled_by_customer": "Du avbröt köpet.",
		"cancelled_on_phone":    "Betalningen avbröts i telefonen.",
		"pin_timeout":           "PIN-koden angavs inte i tid.",
		"nothing_chosen":        "Ingen vara valdes i tid.",
		"walked_away":           "Ingen svarade längre, så köpet avslutades.",
		"jam":                   "Varan fastnade.",
		"empty":                 "Facket var tomt.",
		"no_motor":              "Varan fastnade.",
		"home_fault":            "En sensor i automaten fungerade inte.",
		"not_opened":            "Luckan öppnades inte i tid.",
		"stands_open":           "Luckan stod redan öppen.",
		"unknown":               "Vi kunde inte se att varan kom ut.",
		"stopped":               "Automaten stoppades.",
		"stuck_sensor":          "En sensor i automaten fungerade inte.",
		"no_board":              "En del i automaten svarade inte.",
		"refused":               "En del i automaten fungerade inte.",
		"ended":                 "Varan kom inte ut.",
		"motor_fault":           "En del i automaten fungerade inte.",
		"left_open":             "Stäng luckan, tack.",
		"relay_fault":           "Automaten kunde inte starta sin motor.",
		"not_delivered":         "Varan kom inte ut.",
		"door_open":             "Automatens lucka var öppen.",
		"sensor_fault":          "Automaten kunde inte se om varan kom ut.",
		"machine_failed":        "Automaten kunde inte lämna ut varan.",
		"reset":                 "Automaten startade om mitt i ditt köp.",
		"no_answer":             "Automaten sade inte om din vara kom ut.",
		"unplugged":             "Automaten kunde inte nås mitt i ditt köp.",
		"timeout":               "Automaten tog för lång tid på sig.",
		"restarted":             "Automaten startades om mitt i ditt köp.",
		"overcharged":           "För mycket drogs, och skillnaden har gått tillbaka till dig.",
		"reservation_expired":   "Tiden för köpet tog slut.",
		"payment_failed":        "Betalningen gick inte igenom.",
		"glase_unreachable":     "Betaltjänsten gick inte att nå.",
		"invoicing_failed":      "Betalningen kunde inte påbörjas.",
		"in_doubt":              "Vi vet ännu inte hur det slutade. Det kommer att redas ut.",

		"starting":       "Automaten startar.",
		"resolving":      "Ett tidigare köp avslutas.",
		"maintenance":    "Service pågår.",
		"technician":     "En tekniker arbetar med automaten.",
		"door":           "Automatens lucka är öppen.",
		"journal":        "Automaten kan inte bokföra köp.",
		"display":        "Skärmen fungerar inte som den ska.",
		"hardware":       "En del i automaten fungerar inte.",
		"mdb":            "Automaten är inte redo att sälja.",
		"tilt":           "Automaten skakas.",
		"board":          "En del i automaten svarar inte.",
		"lock_board":     "En del i automaten svarar inte.",
		"cloned_card":    "Automaten måste ställas in på nytt.",
		"sold_out":       "Allt är slutsålt.",
		"too_warm":       "Det som finns kvar har inte hållits tillräckligt kallt.",
		"stopping":       "Automaten stängs av.",
		"charge_refused": "En betalning kunde inte slutföras.",
		"foreign_cancel": "Automatens betalningar behöver kontrolleras.",
		"journal_lost":   "Automatens uppgifter behöver kontrolleras.",
	},
	whyGeneral: "Något gick fel.",
	notice: map[string]string{
		"too_late":      "Det är för lite tid kvar för den.",
		"too_expensive": "Den kostar mer än du har kvar. Välj en annan.",
		"sold_out":      "Den är slutsåld. Välj en annan.",
		"closed":        "Den är stängd. Välj en annan.",
		"too_warm":      "Den har inte hållits tillräckligt kall. Välj en annan.",
		"jam":           "Den fastnade. Du betalar inte för den. Välj en annan.",
		"empty":         "Facket var tomt. Du betalar inte för den. Välj en annan.",
		"no_motor":      "Den fastnade. Du betalar inte för den. Välj en annan.",
		"not_opened":    "Luckan öppnades inte. Du betalar inte för den. Välj en annan.",
		"stands_open":   "Luckan står öppen. Du betalar inte för den. Välj en annan.",
		"not_delivered": "Den kom inte ut. Du betalar inte för den. Välj en annan.",
		"unknown":       "Vi kunde inte se att den kom ut. Du kan välja en annan.",
		"unknown_code":  "Den varan finns inte. Välj en annan.",

		"stopped":        "Den stoppades. Du betalar inte för den. Välj igen.",
		"machine_failed": "Den kom inte ut. Du betalar inte för den. Välj en annan.",
		"refused":        "Automaten tog inte emot den. Du betalar inte för den. Välj igen.",
		"reset":          "Den debiteras, för den kan ha kommit ut. Ring oss om den inte gjorde det.",
		"no_answer":      "Den debiteras, för den kan ha kommit ut. Ring oss om den inte gjorde det.",
		"unplugged":      "Den debiteras, för den kan ha kommit ut. Ring oss om den inte gjorde det.",
	},
	noticeGeneral: "Det gick inte. Försök med en annan.",
	typed:         "Ditt val: %s",
}
