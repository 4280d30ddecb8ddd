// Package board has the products of a serial motor board pushed out: the kind that calls itself VMC and its master
// "upper computer".
//
// The facts are from public copies of the "VMC - upper computer communication protocol"; boards differ in what these
// leave open. What is uncertain is marked (?) here, and the code then takes the answer that cannot cost a customer
// money.
//
// # The line
//
// 57600 8N1, frames of FA FB, a command, the length of the data, the data, and the XOR of all bytes before. The board
// leads: every 200 ms it sends a poll (41), or what it has to tell, and the master answers within 100 ms with an
// acknowledgement (42) or with a command of its own, which the board acknowledges. Data begin with a packet number, 1
// to 255 and 1 again: a frame without an answer is sent again up to five times with the same number, so that the other
// side can tell it from a new one. Before a command the board is asked about its motor (01, answered by 02), the vend
// is 06 with the flag that has the drop sensor decide, and 04 tells how it goes.
//
// # What a status means
//
//	04 01  dispensing                       the command has arrived; the vend goes on
//	04 02  the drop sensor saw the product  delivered
//	04 03  nothing fell                     not delivered: jam
//	04 04  the motor does not stop          unknown: it may push out more than one
//	04 06  there is no such motor           not delivered: no_motor
//	04 FF  ended without a product          not delivered: ended
//	04 __  anything else (?)                unknown
//
// The packet number of a status is the board's own in some copies and the command's in others (?), so a status is told
// by its motor: only one vend is on at a time. A status that equals the frame before it is that frame again, whose
// acknowledgement was lost; it counts once. What a board still has to say of an earlier vend when this program starts
// is over within two seconds, in which none begins.
//
// # What silence means
//
// The vend command is sent once, under one packet number, and that number is never given to another vend:
//
//   - no poll came in which to send it, or the port did not take all its bytes: not delivered. The board never had it.
//   - no acknowledgement: it is sent again in the polls that follow at once, up to Resends times, with the same number,
//     which the board knows. A pause in the polls or a new cable may mean that the board began anew and has forgotten
//     the number: then it is not sent again.
//   - acknowledged or not, once it may have arrived only a status decides. When none has come in time, whatever
//     happened to the cable meanwhile, the outcome is unknown. An unknown item is not charged.
//
// A board with its own idea of numbers must get Resends 0. Because it was asked about the motor under the number
// before, the vend's number is new to it (?), also after a restart of this program, which does not remember where it
// was.
//
// A vend under way cannot be stopped: no command of this protocol is known to stop a motor. When its context ends, what
// is known is waited for some seconds more.
package board
