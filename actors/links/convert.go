package links

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	routerv1 "receptor/proto/router/v1"
	"receptor/transport/wire"
)

func updateReceived(from string, u wire.RoutingUpdate) *routerv1.UpdateReceived {
	return &routerv1.UpdateReceived{From: from, Update: &routerv1.RoutingUpdate{
		Node: u.NodeID, UpdateId: u.UpdateID, Epoch: u.UpdateEpoch, Sequence: u.UpdateSequence,
		Connections: u.Connections, NullConnections: u.Connections == nil,
		SuspectedDuplicate: u.SuspectedDuplicate,
	}}
}

func advertisementReceived(from string, a wire.Advertisement, raw []byte) *routerv1.AdvertisementReceived {
	ad := &routerv1.Advertisement{
		Node: a.NodeID, Service: a.Service, Time: timestamppb.New(a.Time), TimeText: a.TimeText,
		ConnType: routerv1.ConnType(a.ConnType), Cancel: a.Cancel, Raw: raw,
	}
	if a.Tags != nil {
		ad.Tags = &routerv1.Tags{Values: a.Tags}
	}
	for _, c := range a.WorkCommands {
		ad.WorkCommands = append(ad.WorkCommands, &routerv1.WorkCommand{WorkType: c.WorkType, Secure: c.Secure})
	}
	return &routerv1.AdvertisementReceived{From: from, Advertisement: ad}
}
