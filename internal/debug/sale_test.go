package debug

import (
	"reflect"
	"testing"
	"time"

	"kioskd/internal/debug/api"
	"kioskd/internal/journal"
	"kioskd/internal/reason"
)

// TestTheTechniciansAreToldAllOfASale: a field that the journal's sale gets is told to the technicians too.
func TestTheTechniciansAreToldAllOfASale(t *testing.T) {
	items := []journal.Item{
		{Slot: "A1", Price: "15.00", Outcome: "delivered", Name: "Cola", VAT: 12, Charged: true},
	}
	var sale journal.Sale
	v := reflect.ValueOf(&sale).Elem()
	for n := range v.NumField() {
		switch f := v.Field(n); f.Interface().(type) {
		case string, reason.Why:
			f.SetString(v.Type().Field(n).Name)
		case time.Time:
			f.Set(reflect.ValueOf(time.Unix(int64(n), 0)))
		case []journal.Item:
			f.Set(reflect.ValueOf(items))
		default:
			t.Fatalf("%s is a %s: fill it here", v.Type().Field(n).Name, f.Type())
		}
	}
	told := reflect.ValueOf(saleOf(sale))
	for n := range v.NumField() {
		name, want := v.Type().Field(n).Name, v.Field(n).Interface()
		if name == "Items" {
			want = []api.Item{api.Item(items[0])}
		}
		if why, is := want.(reason.Why); is {
			want = string(why)
		}
		if got := told.FieldByName(name); !got.IsValid() || !reflect.DeepEqual(got.Interface(), want) {
			t.Errorf("%s is not told", name)
		}
	}
}
