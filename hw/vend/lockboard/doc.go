// Package lockboard frees the doors of lockers through a lock board on an RS-485 line: the kind sold as Kerong CU16,
// and its copies. Its Bus and its Lock serve every board that frees a lock when it is told to and says of a door
// whether it is open, in whatever Protocol it speaks; CU16 is one.
//
// The facts are from public copies of the CU16's protocol; what is uncertain is marked (?) here, and can be configured.
//
// # The line
//
// 19200 8N1, one line for many boards. Only we begin: 02, the address, a command, 03, and the sum of all bytes before
// it. The address holds the board in its high four bits and, in an unlock command, the lock counted from 0 in its low
// ones (?). 31 unlocks, and has no answer; 30 asks for the status, whose answer 35 has StatusBytes bytes of data
// between the command and the 03: two with a bit for each lock, lowest first, and with most boards two more for sensors
// in the compartments, which are not looked at. OpenBit is what a lock's bit says of a door that is open: boards differ
// (?), and one that has it the wrong way round sells nothing, since every door that is closed then stands open.
//
// # What an outcome means
//
// The door decides: who opens it has the product. The board opens the lock for a moment, by itself; a spring pushes the
// door open, or the customer pulls. A door that was not opened is locked again, or stays as it is until the next
// unlock, which only a sale gives.
//
//   - delivered: the door was seen open after the unlock. It is then waited for until it is closed, at most Close; a
//     door that is left open is a warning (left_open), and closes the slot until somebody has looked at it.
//   - not delivered: the unlock was never sent; or the door was seen closed all the time that the customer had, up to
//     the end.
//   - unknown: the unlock may have been sent, and the door could not be looked at for more than a second of that time:
//     long enough to open it, take the product, and close it. An unknown item is not charged.
//
// The unlock is sent once. Half a command on the line is none, for its sum is missing.
package lockboard
