// Package mdb pays for what a vending machine with an MDB bus sells: the machine lets the customer choose and delivers,
// we approve.
//
// # The bridge
//
// A Bridge is a cashless device on the machine's bus that speaks to us over a serial line at 115200 baud, in lines of
// ASCII that end in LF, CR or both. We write, each ended by LF:
//
//	C,0  C,1            leave the bus, and join it again: at every power-on, since the bridge keeps no setting
//	C,START,<credit>    a session: the machine shows the credit and lets choose
//	C,VEND,<price>      the request is approved
//	C,STOP              the session ends; a request that stands is denied
//	C,VEND,-1           a request is denied (see Deny)
//	V                   which version it is: asked to hear whether it is there
//
// and read:
//
//	c,STATUS,INACTIVE   no machine has spoken to the bridge
//	c,STATUS,DISABLED   the machine wants no payments now
//	c,STATUS,ENABLED    ready, without a session
//	c,STATUS,IDLE       a session, and no request; ",<credit>" may follow
//	c,STATUS,VEND,<price>,<product>   the machine's request
//	c,VEND,SUCCESS      the product came out
//	c,ERR,VEND <n>      it did not: n is MDB's number of the machine's VEND command, 1 cancelled before our approval, 3 failed
//	c,ERR,"VEND -<n>"   the bridge did not take our command; also START and STOP
//	c,ERR,"cashless is off" | "cashless is on"
//
// The words are public; that the errors' numbers mean this was concluded from public transcripts and MDB 4.3, section
// 7, and is not written anywhere. An amount has the currency's decimal places: a request with others is denied, and
// said. Anything else is passed over.
//
// # What each silence means
//
// One approval is written for one request, and never again. Until it is written nothing can come out. From then on:
//
//	heard after C,VEND                                  outcome         why
//	c,VEND,SUCCESS                                      delivered
//	c,ERR,VEND 3                                        not delivered   machine_failed
//	c,ERR,VEND 1, then a status without a request       not delivered   stopped: the machine had given up before it was approved
//	c,ERR,VEND 1, then nothing more                     not delivered   stopped
//	c,ERR,VEND 1, then another request                  unknown         no_answer: which of the two was approved?
//	the same request once more, then c,ERR,VEND 1       unknown         no_answer: the second one may be cancelled
//	a line that cannot be read, then c,ERR,VEND 1       unknown         no_answer: it may have been the success
//	c,ERR,VEND with another number, then nothing more   unknown         no_answer
//	c,ERR,"VEND -n"                                     not delivered   refused: the bridge took no approval
//	INACTIVE or DISABLED, then nothing more             unknown         reset
//	IDLE, ENABLED or another request, then nothing more unknown         no_answer: our line or the machine's answer was lost
//	the line is gone, and brings nothing when it is back unknown        unplugged
//	the line is gone, and brings c,ERR,VEND 1           unknown         unplugged: it may be of a request that we never heard
//	nothing but answers to V until Longest              unknown         no_answer
//	no answer to V, nor when the line is opened anew    unknown         no_answer
//	our program ends                                    unknown         unplugged: nobody listens any more, nor records it
//
// "Then nothing more" is lateMax, and cancelMax after a c,ERR,VEND 1 that nothing speaks against: a SUCCESS or an ERR
// that comes a little late still counts. TestEachSilenceMeansWhatItsRowSays runs the table as it stands here.
//
// An unknown item is charged: MDB itself counts a machine's reset between VEND APPROVED and VEND SUCCESS as success
// (4.2, 7.4.7), and an approval that nobody took back is in the same place. It is recorded as unknown, and its slot
// closed, so a technician sees each of them. That rule is for a machine that falls silent. When it is us who fell, the
// bridge says each thing once, and may have said it to nobody: the next start listens for a while (Recall), and what it
// does not hear stands in doubt.
//
// What cannot be known: a SUCCESS, the status after it and the next request that are all three lost without a trace,
// and then that request's cancel. It sounds as an approval that was lost does, which is far more likely.
//
// A SUCCESS that nobody waits for is logged. It is the proof for an item that ended unknown or in doubt.
//
// # How it is built
//
// What is known is a value, and step makes the next one of it, an event and a moment: what is to be written, and what
// came of what was asked. It has no clock, goroutine, channel or lock. Run alone holds the value: it steps through what
// the line brings and what Sell, Decline and Vend want, ticks when the state asks for it, and does what the step says.
package mdb
