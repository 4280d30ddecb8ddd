// Package lockplate frees the doors of lockers through a nameless kind of lock board on an RS-485 line, whose makers
// call it a plate: its commands begin with 8A and 80 and end with the exclusive or of what is before. It is sold with 8
// to 32 locks for express lockers and vending machines. Driver "lock_plate".
//
// The facts are from the maker's "Communication Agreement" as quoted in
// https://raspberrypi.stackexchange.com/questions/68013, and from what public programs for such boards send. What is
// uncertain, or differs between the two, is marked (?) here and can be configured.
//
// # The line
//
// 9600 8N1, one line for many boards. Only we begin, with five bytes: a head, the board's address (1 to 31, by its
// switches), a lock (1 to 32), a word, and the exclusive or of these four.
//
//	8A address lock 11 xor   frees the lock. After a second (?, deaf) the board answers 8A address lock 11 or 00 xor
//	80 address lock 33 xor   asks for the lock. The board answers 80 address lock 11 or 00 xor
//
// Of a door that is open the agreement says 11; there are boards that say 00 (?, open_word). One that has it the wrong
// way round sells nothing, since every door that is closed then stands open.
//
// Lock 0 is all locks, one after the other: it is never sent.
//
// The answer to 8A is not looked at: the one that says "open" is the command itself, byte by byte, and an adapter that
// echoes what is written would sell what nobody took. The echo of a question has the word 33 and is no answer.
//
// What an outcome means is the same as with every lock board: see package lockboard, whose Bus and Lock these are.
package lockplate
