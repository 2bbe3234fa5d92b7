//! Random programs: whatever is sent, received, reserved, dropped and closed, nothing is lost,
//! doubled or reordered.

use std::collections::VecDeque;
use std::task::Poll::{Pending, Ready};

use proptest::prelude::*;
use trine_channel::{
    Receiver, Recv, RecvError, Reserve, SendError, SendItem, Sender, Slot, TryRecvError,
    TrySendError, open_memory_channel,
};

use crate::support::poll;

/// What the program does next; a number picks one of the futures that are under way.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send { by: usize },
    TrySend { by: usize },
    Reserve { by: usize },
    FillSlot(usize),
    DropSlot(usize),
    Recv { by: usize },
    TryRecv { by: usize },
    PollSend(usize),
    PollReserve(usize),
    PollRecv(usize),
    DropSend(usize),
    DropReserve(usize),
    DropRecv(usize),
    CloseSender { by: usize },
    CloseReceiver { by: usize },
}

const HANDLES: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    let by = 0..HANDLES;
    let any = any::<usize>;
    prop_oneof![
        6 => by.clone().prop_map(|by| Step::Send { by }),
        3 => by.clone().prop_map(|by| Step::TrySend { by }),
        2 => by.clone().prop_map(|by| Step::Reserve { by }),
        2 => any().prop_map(Step::FillSlot),
        1 => any().prop_map(Step::DropSlot),
        6 => by.clone().prop_map(|by| Step::Recv { by }),
        3 => by.clone().prop_map(|by| Step::TryRecv { by }),
        4 => any().prop_map(Step::PollSend),
        3 => any().prop_map(Step::PollReserve),
        4 => any().prop_map(Step::PollRecv),
        2 => any().prop_map(Step::DropSend),
        1 => any().prop_map(Step::DropReserve),
        2 => any().prop_map(Step::DropRecv),
    ]
}

fn program() -> impl Strategy<Value = Vec<Step>> {
    let close = prop_oneof![
        1 => (0..HANDLES).prop_map(|by| Step::CloseSender { by }),
        1 => (0..HANDLES).prop_map(|by| Step::CloseReceiver { by }),
    ];
    let steps = prop::collection::vec(prop_oneof![40 => step(), 1 => close], 0..80);
    steps.boxed()
}

/// A send under way: which item, and by which handle.
struct Sending<'a> {
    item: u32,
    by: usize,
    future: SendItem<'a, u32>,
}

struct World<'a> {
    senders: &'a [Sender<u32>],
    receivers: &'a [Receiver<u32>],
    sending: Vec<Sending<'a>>,
    reserving: Vec<Reserve<'a, u32>>,
    slots: Vec<Slot<'a, u32>>,
    receiving: Vec<(usize, Recv<'a, u32>)>,
    next_item: u32,
    /// Sent for good: the operation said so.
    sent: Vec<u32>,
    received: Vec<u32>,
    /// Given back by an error.
    returned: Vec<u32>,
    /// Dropped with a future whose operation was not over.
    abandoned: Vec<u32>,
    /// Whether a receiver or sender was closed: then items may be dropped with the channel.
    last_receiver_closed: bool,
}

fn pick<T>(from: &[T], number: usize) -> Option<usize> {
    (!from.is_empty()).then(|| number % from.len())
}

impl<'a> World<'a> {
    fn item(&mut self) -> u32 {
        self.next_item += 1;
        self.next_item
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Send { by } => {
                let item = self.item();
                self.sending.push(Sending { item, by, future: self.senders[by].send(item) });
                self.poll_send(self.sending.len() - 1);
            }
            Step::TrySend { by } => {
                let item = self.item();
                match self.senders[by].try_send(item) {
                    Ok(()) => self.sent.push(item),
                    Err(error) => {
                        assert_eq!(
                            matches!(error, TrySendError::Closed(_)),
                            self.senders[by].is_closed()
                        );
                        self.returned.push(error.into_inner());
                    }
                }
            }
            Step::Reserve { by } => {
                self.reserving.push(self.senders[by].reserve());
                self.poll_reserve(self.reserving.len() - 1);
            }
            Step::FillSlot(number) => {
                if let Some(index) = pick(&self.slots, number) {
                    let item = self.item();
                    let slot = self.slots.swap_remove(index);
                    match slot.send(item) {
                        Ok(()) => self.sent.push(item),
                        Err(error) => self.returned.push(error.into_inner()),
                    }
                }
            }
            Step::DropSlot(number) => {
                if let Some(index) = pick(&self.slots, number) {
                    drop(self.slots.swap_remove(index));
                }
            }
            Step::Recv { by } => {
                self.receiving.push((by, self.receivers[by].recv()));
                self.poll_recv(self.receiving.len() - 1);
            }
            Step::TryRecv { by } => match self.receivers[by].try_recv() {
                Ok(item) => self.received.push(item),
                Err(error) => {
                    assert_eq!(error == TryRecvError::Closed, self.receivers[by].is_closed());
                }
            },
            _ => self.step_under_way(step),
        }
    }

    fn step_under_way(&mut self, step: Step) {
        match step {
            Step::PollSend(number) => {
                pick(&self.sending, number).into_iter().for_each(|index| self.poll_send(index));
            }
            Step::PollReserve(number) => {
                pick(&self.reserving, number)
                    .into_iter()
                    .for_each(|index| self.poll_reserve(index));
            }
            Step::PollRecv(number) => {
                pick(&self.receiving, number).into_iter().for_each(|index| self.poll_recv(index));
            }
            Step::DropSend(number) => {
                if let Some(index) = pick(&self.sending, number) {
                    self.abandoned.push(self.sending.swap_remove(index).item);
                }
            }
            Step::DropReserve(number) => {
                if let Some(index) = pick(&self.reserving, number) {
                    drop(self.reserving.swap_remove(index));
                }
            }
            Step::DropRecv(number) => {
                if let Some(index) = pick(&self.receiving, number) {
                    drop(self.receiving.swap_remove(index));
                }
            }
            Step::CloseSender { by } => self.senders[by].close(),
            Step::CloseReceiver { by } => {
                self.receivers[by].close();
                self.last_receiver_closed = self.receivers.iter().all(Receiver::is_closed);
            }
            _ => unreachable!("handled by `step`"),
        }
    }

    fn poll_send(&mut self, index: usize) {
        let Ready(result) = poll(&mut self.sending[index].future) else { return };
        let Sending { item, by, .. } = self.sending.swap_remove(index);
        match result {
            Ok(()) => self.sent.push(item),
            Err(error) => {
                assert_eq!(matches!(error, SendError::Closed(_)), self.senders[by].is_closed());
                assert_eq!(error.into_inner(), item);
                self.returned.push(item);
            }
        }
    }

    fn poll_reserve(&mut self, index: usize) {
        let Ready(result) = poll(&mut self.reserving[index]) else { return };
        drop(self.reserving.swap_remove(index));
        self.slots.extend(result);
    }

    fn poll_recv(&mut self, index: usize) {
        let Ready(result) = poll(&mut self.receiving[index].1) else { return };
        let (by, _) = self.receiving.swap_remove(index);
        match result {
            Ok(item) => self.received.push(item),
            Err(error) => assert_eq!(error == RecvError::Closed, self.receivers[by].is_closed()),
        }
    }

    /// Ends everything that is under way, then takes what is left in the channel.
    fn finish(&mut self) -> Vec<u32> {
        while !self.sending.is_empty() {
            self.step(Step::DropSend(0));
        }
        self.reserving.clear();
        self.slots.clear();
        self.receiving.clear();
        let statistics = self.senders[0].statistics();
        assert_eq!((statistics.tasks_waiting_send, statistics.tasks_waiting_receive), (0, 0));
        assert_eq!(statistics.reserved_slots, 0);
        let open = self.receivers.iter().find(|receiver| !receiver.is_closed());
        let left: Vec<_> = open.into_iter().flat_map(Receiver::drain).collect();
        assert_eq!(left.len(), statistics.current_buffer_used);
        left
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Sent = received + left in the channel; what was given back or dropped by its sender, before
    /// it had sent, is not among them, unless a receiver had it before the sender was dropped.
    // rule: H-6
    #[test]
    fn nothing_is_lost(capacity in 0_usize..4, steps in program()) {
        let (sender, receiver) = open_memory_channel(capacity);
        let senders: Vec<_> = (1..HANDLES).map(|_| sender.clone()).chain([sender.clone()]).collect();
        let receivers: Vec<_> = (1..HANDLES).map(|_| receiver.clone()).chain([receiver.clone()]).collect();
        drop((sender, receiver));
        let mut world = World {
            senders: &senders,
            receivers: &receivers,
            sending: vec![],
            reserving: vec![],
            slots: vec![],
            receiving: vec![],
            next_item: 0,
            sent: vec![],
            received: vec![],
            returned: vec![],
            abandoned: vec![],
            last_receiver_closed: false,
        };
        steps.into_iter().for_each(|step| world.step(step));
        let left = world.finish();

        let mut out = [world.received.clone(), left].concat();
        out.sort_unstable();
        prop_assert!(out.windows(2).all(|pair| pair[0] != pair[1]), "doubled: {out:?}");
        prop_assert!(world.returned.iter().all(|item| !out.contains(item)), "given back and received");
        prop_assert!(world.sent.iter().all(|item| world.last_receiver_closed || out.contains(item)), "lost");
        let extra: Vec<_> = out.iter().filter(|item| !world.sent.contains(item)).collect();
        prop_assert!(extra.iter().all(|item| world.abandoned.contains(item)), "from nowhere: {extra:?}");
        prop_assert!(extra.iter().all(|item| world.received.contains(item)), "dropped, and sent all the same");
    }

    /// Receives get the items in the order in which both came, whichever sends are dropped between
    /// and however late the receives are polled again.
    // rule: H-1
    #[test]
    fn order_is_kept(capacity in 0_usize..4, steps in prop::collection::vec(0_u8..5, 0..80)) {
        let (sender, receiver) = open_memory_channel(capacity);
        let mut sending = VecDeque::new();
        let mut receiving = vec![];
        let mut received = vec![];
        for (number, step) in (0_u32..).zip(steps) {
            match step {
                0 | 1 => {
                    let mut send = sender.send(number);
                    if poll(&mut send) == Pending {
                        sending.push_back(send);
                    }
                }
                2 | 3 => {
                    let mut recv = receiver.recv();
                    match poll(&mut recv) {
                        Ready(item) => received.push((number, item)),
                        Pending => receiving.push((number, recv)),
                    }
                }
                _ => drop(sending.remove(sending.len() / 2)),
            }
        }
        for (number, mut recv) in receiving {
            if let Ready(item) = poll(&mut recv) {
                received.push((number, item));
            }
        }
        received.sort_by_key(|(number, _)| *number);
        let items: Vec<_> = received.into_iter().map(|(_, item)| item.unwrap()).collect();
        prop_assert!(items.is_sorted(), "{items:?}");
    }

    /// Items that were handed over and given back, in whatever order, are in their old order again.
    // rule: H-6
    #[test]
    fn items_given_back_are_in_order(drops in Just((0..6).collect::<Vec<usize>>()).prop_shuffle()) {
        let (sender, receiver) = open_memory_channel(10);
        let mut recvs: Vec<_> = (0..6).map(|_| Some(receiver.recv())).collect();
        for recv in recvs.iter_mut().flatten() {
            prop_assert_eq!(poll(recv), Pending);
        }
        (0..8).for_each(|number| sender.try_send(number).unwrap());
        drops.into_iter().for_each(|index| recvs[index] = None);
        prop_assert_eq!(receiver.drain().collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    }
}
