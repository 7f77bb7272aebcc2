package meter

import (
	"reflect"
	"unsafe"
)

// kind is the type of a message: where the runtime describes it. A reflect.Type says
// the same in two words, and comparing two of them is a call.
type kind unsafe.Pointer

// face is an interface value as the runtime has it.
type face struct {
	kind kind
	data unsafe.Pointer
}

func kindOf(message any) kind { return (*face)(unsafe.Pointer(&message)).kind }

// reflected is the type itself. Only the type of the value is looked at, which has none.
func reflected(k kind) reflect.Type {
	return reflect.TypeOf(*(*any)(unsafe.Pointer(&face{kind: k})))
}
